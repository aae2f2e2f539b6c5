# One image for web, worker, beat and the mock NAS; compose says which command each one runs.
FROM python:3.12-slim

# Who runs it, and owns the data volume. Change them to those of a folder of yours on the host:
# docker compose build --build-arg APP_UID=$(id -u) --build-arg APP_GID=$(id -g)
ARG APP_UID=10001
ARG APP_GID=10001
RUN groupadd --gid "$APP_GID" burnin \
 && useradd --uid "$APP_UID" --gid "$APP_GID" --home-dir /data --no-create-home burnin \
 && install -d -o burnin -g burnin -m 0750 /data

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DB_PATH=/data/app.db BURNIN_ENV_FILE=""
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-compile -r requirements.txt
COPY . .
# Static files are the same for everybody: made once, with a key that nothing else is made with.
RUN SECRET_KEY=only-to-collect-static-files-at-build-time DB_PATH=/tmp/none.db \
    python manage.py collectstatic --noinput --verbosity 0

USER burnin
VOLUME /data
EXPOSE 8080
CMD ["python", "-m", "daphne", "-v", "0", "-b", "0.0.0.0", "-p", "8080", "burnin_site.asgi:application"]
