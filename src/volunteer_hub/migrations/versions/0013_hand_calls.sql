-- Helpers ring up whom nothing reached.

CREATE TABLE hand_calls (
    offer_id BIGINT NOT NULL,
    claimed_by BIGINT,
    lease_until TIMESTAMP WITH TIME ZONE,
    outcome VARCHAR(32),
    tries INTEGER NOT NULL,
    called_by BIGINT,
    called_at TIMESTAMP WITH TIME ZONE,
    again_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_hand_calls PRIMARY KEY (offer_id),
    CONSTRAINT fk_hand_calls_offer_id FOREIGN KEY(offer_id) REFERENCES offers (id),
    CONSTRAINT fk_hand_calls_claimed_by FOREIGN KEY(claimed_by) REFERENCES accounts (id),
    CONSTRAINT ck_hand_calls_outcome CHECK (outcome IN ('answered', 'no_answer', 'wrong_number', 'inactive')),
    CONSTRAINT fk_hand_calls_called_by FOREIGN KEY(called_by) REFERENCES accounts (id)
);
