"""One file for each page or act; each view declares its role."""
