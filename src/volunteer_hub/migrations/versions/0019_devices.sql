-- Devices that take notifications; a chat robot is nobody's address, and none could be reached so before.

DELETE FROM contacts WHERE kind IN ('push', 'robot');
ALTER TABLE contacts DROP CONSTRAINT ck_contacts_kind;
ALTER TABLE contacts ADD CONSTRAINT ck_contacts_kind CHECK (kind IN ('email', 'sms', 'voice', 'webpush', 'console'));
ALTER TABLE contacts ADD counts_until TIMESTAMP WITH TIME ZONE;

CREATE TABLE devices (
    contact_id BIGINT NOT NULL,
    endpoint_hash BYTEA NOT NULL,
    session_hash BYTEA NOT NULL,
    CONSTRAINT pk_devices PRIMARY KEY (contact_id),
    CONSTRAINT fk_devices_contact_id FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
    CONSTRAINT uq_devices_endpoint_hash UNIQUE (endpoint_hash)
);
CREATE INDEX ix_devices_session_hash ON devices (session_hash);

ALTER TABLE messages DROP CONSTRAINT ck_messages_channel;
ALTER TABLE messages ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('email', 'sms', 'voice', 'webpush', 'console'));
