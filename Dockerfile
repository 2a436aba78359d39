FROM python:3.12-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /app
# a font with Chinese, for what is written as PDF
RUN apt-get update && apt-get install -y --no-install-recommends fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*
COPY requirements.lock pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY src src
COPY config config
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --system hub
USER hub
EXPOSE 8000
CMD ["volunteer-hub", "serve", "--host", "0.0.0.0"]
