"""All that a person sees: pages, dialogs, forms, and the live updates of what changed."""
