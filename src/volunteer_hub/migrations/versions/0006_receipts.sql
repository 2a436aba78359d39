-- Gateways say what became of messages, and ring people up.

ALTER TABLE messages
    ADD provider_id TEXT,
    ADD receipt_by TIMESTAMP WITH TIME ZONE,
    DROP CONSTRAINT ck_messages_channel,
    ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'sms', 'voice', 'console'));
CREATE INDEX ix_messages_provider_id ON messages (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX ix_messages_receipt_by ON messages (receipt_by) WHERE receipt_by IS NOT NULL;

-- No program before this one wrote receipts.
DROP INDEX ix_receipts_message_id;
ALTER TABLE receipts
    ADD code VARCHAR,
    ALTER kind TYPE VARCHAR(32),
    ADD CONSTRAINT ck_receipts_kind CHECK (kind IN ('passed_on', 'delivered', 'failed')),
    ADD CONSTRAINT uq_receipts_message_id_kind UNIQUE (message_id, kind),
    DROP CONSTRAINT fk_receipts_message_id,
    ADD CONSTRAINT fk_receipts_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE;
