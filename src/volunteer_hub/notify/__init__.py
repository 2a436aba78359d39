"""Messages: an outbox, texts and the channels that carry them."""
