-- Schema version 1 of the aport-gate ledger.
--
-- A server calls the functions and reads the audit trail; it writes no table itself. The functions
-- run with the rights of their owner, so a server's role needs none of the owner's.

CREATE TABLE aport_gate.version (
    one integer PRIMARY KEY CHECK (one = 1),
    version integer NOT NULL
);

-- Never holds a row. Whoever has locked it may write; the lock's queue is first come, first served.
CREATE TABLE aport_gate.turn ();

-- `id` is a SHA-256 of what identifies the row: an index row cannot hold keys of any length.
CREATE TABLE aport_gate.counters (
    id bytea PRIMARY KEY,
    agent text NOT NULL,
    policy text NOT NULL,
    counter text NOT NULL,
    key text NOT NULL,
    period text NOT NULL,
    window_start bigint NOT NULL,
    window_end bigint NOT NULL,
    total bigint NOT NULL CHECK (total >= 0)
) WITH (fillfactor = 50);

-- `void`: this decision must not be recorded any more, because its server has given it up.
CREATE TABLE aport_gate.reservations (
    decision_id text PRIMARY KEY,
    agent text NOT NULL,
    policy text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'committed', 'held', 'released', 'void')),
    counter_ids bytea[] NOT NULL,
    amounts bigint[] NOT NULL,
    key_id bytea,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE aport_gate.idempotency_keys (
    id bytea PRIMARY KEY,
    agent text NOT NULL,
    policy text NOT NULL,
    key text NOT NULL,
    decision_id text NOT NULL REFERENCES aport_gate.reservations (decision_id),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- `body` is text, not jsonb: the hash is over its bytes.
CREATE TABLE aport_gate.audit (
    sequence bigint PRIMARY KEY,
    at text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('decision', 'outcome', 'refusal')),
    decision_id text,
    body text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL
);
CREATE INDEX audit_by_decision ON aport_gate.audit (decision_id);

CREATE TABLE aport_gate.audit_head (
    one integer PRIMARY KEY CHECK (one = 1),
    sequence bigint NOT NULL,
    hash text NOT NULL
) WITH (fillfactor = 10);
INSERT INTO aport_gate.audit_head
VALUES (1, 0, 'sha256:0000000000000000000000000000000000000000000000000000000000000000');

-- Waits until no other server writes. Held until the transaction ends.
CREATE FUNCTION aport_gate.take_turn() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Under a snapshot from before the lock, two servers would spend the same cap.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger needs isolation level read committed';
    END IF;
    LOCK TABLE aport_gate.turn IN EXCLUSIVE MODE;
END $$;

-- Totals in the order of the ids, 0 where there is none.
CREATE FUNCTION aport_gate.totals(ids bytea[]) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_totals bigint[] := '{}';
    one bigint;
    one_id bytea;
BEGIN
    FOREACH one_id IN ARRAY ids LOOP
        SELECT total INTO one FROM aport_gate.counters WHERE id = one_id;
        found_totals := found_totals || coalesce(one, 0);
    END LOOP;
    RETURN found_totals;
END $$;

-- Appends one record behind the head. Every field goes into the hash behind its length.
CREATE FUNCTION aport_gate.append(
    new_at text, new_kind text, new_decision_id text, new_body text
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint;
    before text;
    at_bytes bytea := convert_to(new_at, 'UTF8');
    kind_bytes bytea := convert_to(new_kind, 'UTF8');
    id_bytes bytea := convert_to(coalesce(new_decision_id, ''), 'UTF8');
    body_bytes bytea := convert_to(new_body, 'UTF8');
    new_hash text;
BEGIN
    SELECT sequence, hash INTO STRICT last, before FROM aport_gate.audit_head WHERE one = 1;
    new_hash := 'sha256:' || encode(sha256(
        int8send(25) || 'aport-gate audit record 1'::bytea
        || int8send(8) || int8send(last + 1)
        || int8send(octet_length(at_bytes)) || at_bytes
        || int8send(octet_length(kind_bytes)) || kind_bytes
        || int8send(1) || CASE WHEN new_decision_id IS NULL THEN '0'::bytea ELSE '1'::bytea END
        || int8send(octet_length(id_bytes)) || id_bytes
        || int8send(octet_length(body_bytes)) || body_bytes
        || int8send(octet_length(before)) || convert_to(before, 'UTF8')
    ), 'hex');
    INSERT INTO aport_gate.audit
    VALUES (last + 1, new_at, new_kind, new_decision_id, new_body, before, new_hash);
    UPDATE aport_gate.audit_head SET sequence = last + 1, hash = new_hash WHERE one = 1;
END $$;

-- What a decision would see, with the turn to write held until the transaction ends.
CREATE FUNCTION aport_gate.read(
    ids bytea[], key_id bytea, OUT current_totals bigint[], OUT key_seen boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM aport_gate.take_turn();
    current_totals := aport_gate.totals(ids);
    key_seen := EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = key_id);
END $$;

-- Records a decision with what it takes, if what it was evaluated against still holds. Otherwise
-- it writes nothing and answers `stale` with what holds now.
CREATE FUNCTION aport_gate.decide(
    new_decision_id text,
    new_at text,
    new_body text,
    allowed boolean,
    new_agent text,
    new_policy text,
    seen_ids bytea[],
    seen_totals bigint[],
    seen_key_id bytea,
    seen_key boolean,
    charge_ids bytea[],
    charge_counters text[],
    charge_keys text[],
    charge_periods text[],
    charge_starts bigint[],
    charge_ends bigint[],
    charge_amounts bigint[],
    take_key_id bytea,
    take_key text,
    OUT status text,
    OUT current_totals bigint[],
    OUT key_seen boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM aport_gate.take_turn();
    current_totals := aport_gate.totals(seen_ids);
    key_seen := EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = seen_key_id);
    IF current_totals IS DISTINCT FROM seen_totals OR key_seen IS DISTINCT FROM seen_key THEN
        status := 'stale';
        RETURN;
    END IF;
    IF allowed THEN
        IF take_key_id IS NOT NULL
            AND EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = take_key_id)
        THEN
            status := 'key_taken';
            RETURN;
        END IF;
        -- A decision that its server has given up has a row here, and is refused.
        INSERT INTO aport_gate.reservations VALUES (
            new_decision_id, new_agent, new_policy, 'pending',
            charge_ids, charge_amounts, take_key_id
        );
        FOR place IN 1 .. cardinality(charge_ids) LOOP
            IF charge_amounts[place] < 0 THEN
                RAISE EXCEPTION 'a charge is negative';
            END IF;
            INSERT INTO aport_gate.counters AS held VALUES (
                charge_ids[place], new_agent, new_policy, charge_counters[place],
                charge_keys[place], charge_periods[place], charge_starts[place],
                charge_ends[place], charge_amounts[place]
            )
            ON CONFLICT (id) DO UPDATE SET total = held.total + excluded.total;
        END LOOP;
        IF take_key_id IS NOT NULL THEN
            INSERT INTO aport_gate.idempotency_keys
            VALUES (take_key_id, new_agent, new_policy, take_key, new_decision_id);
        END IF;
    END IF;
    PERFORM aport_gate.append(new_at, 'decision', new_decision_id, new_body);
    status := 'recorded';
END $$;

-- Settles a pending reservation and records the outcome. `again`: an earlier try may have reached
-- the ledger. A decision unknown then is made void, so that it cannot be recorded later.
CREATE FUNCTION aport_gate.settle(
    settled_id text, new_state text, new_at text, new_body text, again boolean,
    OUT status text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    taken aport_gate.reservations%ROWTYPE;
BEGIN
    IF new_state NOT IN ('committed', 'held', 'released') THEN
        RAISE EXCEPTION 'a reservation cannot become %', new_state;
    END IF;
    PERFORM aport_gate.take_turn();
    UPDATE aport_gate.reservations SET state = new_state
    WHERE decision_id = settled_id AND state = 'pending'
    RETURNING * INTO taken;
    IF NOT FOUND THEN
        status := 'not_pending';
        SELECT * INTO taken FROM aport_gate.reservations WHERE decision_id = settled_id;
        IF again AND taken.decision_id IS NULL THEN
            INSERT INTO aport_gate.reservations VALUES (settled_id, '', '', 'void', '{}', '{}');
            status := 'void';
        ELSIF again AND taken.state IN (new_state, 'void') THEN
            status := 'settled';
        END IF;
        RETURN;
    END IF;
    IF new_state = 'released' THEN
        FOR place IN 1 .. cardinality(taken.counter_ids) LOOP
            UPDATE aport_gate.counters SET total = total - taken.amounts[place]
            WHERE id = taken.counter_ids[place];
        END LOOP;
        DELETE FROM aport_gate.idempotency_keys
        WHERE id = taken.key_id AND decision_id = settled_id;
    END IF;
    PERFORM aport_gate.append(new_at, 'outcome', settled_id, new_body);
    status := 'settled';
END $$;

-- Records a call that got no decision.
CREATE FUNCTION aport_gate.refuse(new_at text, new_body text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM aport_gate.take_turn();
    PERFORM aport_gate.append(new_at, 'refusal', NULL, new_body);
END $$;

-- Lets a role serve: it may call the functions and read the audit trail, and nothing else.
CREATE FUNCTION aport_gate.grant_server(server name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA aport_gate TO %I', server);
    EXECUTE format('GRANT SELECT ON aport_gate.version, aport_gate.audit, aport_gate.audit_head TO %I', server);
    EXECUTE format('GRANT EXECUTE ON FUNCTION aport_gate.read, aport_gate.decide, aport_gate.settle, aport_gate.refuse TO %I', server);
END $$;

-- Functions belong to everybody unless taken away.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aport_gate FROM PUBLIC;

INSERT INTO aport_gate.version VALUES (1, 1);
