-- Schema version 2 of the aport-gate ledger: upkeep. What decisions no longer need is removed in
-- small steps, by whichever server asks first.

-- `pruned_until`: counters of windows that ended then or before may be gone.
CREATE TABLE aport_gate.upkeep (
    one integer PRIMARY KEY CHECK (one = 1),
    looked_at bigint NOT NULL,
    pruned_until bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO aport_gate.upkeep VALUES (1, 0, 0);

-- Unix second at which the last of its windows ends.
ALTER TABLE aport_gate.reservations ADD COLUMN open_until bigint;
UPDATE aport_gate.reservations AS pending SET open_until = coalesce(
    (SELECT max(window_end) FROM aport_gate.counters WHERE id = ANY (pending.counter_ids)),
    floor(extract(epoch FROM created_at))::bigint
) WHERE state = 'pending';

CREATE INDEX counters_by_end ON aport_gate.counters (window_end);
CREATE INDEX keys_by_age ON aport_gate.idempotency_keys (created_at);
CREATE INDEX keys_by_decision ON aport_gate.idempotency_keys (decision_id);
CREATE INDEX pending_by_end ON aport_gate.reservations (open_until) WHERE state = 'pending';
CREATE INDEX settled_by_age ON aport_gate.reservations (created_at) WHERE state <> 'pending';

-- One step of upkeep, of at most `step` rows of a kind. `kept_…` are seconds, never less than a day
-- of the database's clock: no server can empty a window that is open.
--
-- Unless `forced` it looks once an hour, and removes what was old at the look before: a clock that
-- jumps ahead and is set right within the hour has removed nothing.
CREATE FUNCTION aport_gate.prune(
    kept_counters bigint, kept_keys bigint, kept_lost bigint, forced boolean, step integer,
    new_at text, lost_body text,
    OUT counters bigint, OUT keys bigint, OUT lost bigint, OUT more boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    day CONSTANT bigint := 86400;
    hour CONSTANT bigint := 3600;
    this bigint := floor(extract(epoch FROM clock_timestamp()));
    before bigint;
    until bigint;
    lost_id text;
    settled bigint;
BEGIN
    counters := 0;
    keys := 0;
    lost := 0;
    more := false;
    -- Without the turn: most looks come too early, and hold nobody up.
    SELECT looked_at INTO STRICT before FROM aport_gate.upkeep WHERE one = 1;
    IF NOT forced AND this - before BETWEEN 0 AND hour - 1 THEN
        RETURN;
    END IF;
    PERFORM aport_gate.take_turn();
    IF forced THEN
        before := this;
    ELSE
        SELECT looked_at INTO STRICT before FROM aport_gate.upkeep WHERE one = 1;
        IF this - before BETWEEN 0 AND hour - 1 THEN
            RETURN;
        END IF;
        IF before > this THEN
            -- The clock was set back: begin anew.
            UPDATE aport_gate.upkeep SET looked_at = this WHERE one = 1;
            RETURN;
        END IF;
    END IF;

    -- First: a reservation that is given back must find its counters. Whether the body began,
    -- nobody lives to tell, so what it took stays taken.
    FOR lost_id IN
        UPDATE aport_gate.reservations SET state = 'held' WHERE decision_id IN (
            SELECT decision_id FROM aport_gate.reservations
            WHERE state = 'pending'
                AND open_until <= before - greatest(day, least(kept_lost, kept_counters))
            ORDER BY decision_id LIMIT step
        )
        RETURNING decision_id
    LOOP
        PERFORM aport_gate.append(new_at, 'outcome', lost_id, lost_body);
        lost := lost + 1;
    END LOOP;

    until := before - greatest(day, kept_counters);
    IF lost < step THEN
        DELETE FROM aport_gate.counters WHERE id IN (
            SELECT id FROM aport_gate.counters WHERE window_end <= until LIMIT step
        );
        GET DIAGNOSTICS counters = ROW_COUNT;
        IF counters > 0 THEN
            UPDATE aport_gate.upkeep SET pruned_until = greatest(pruned_until, until) WHERE one = 1;
        END IF;
    END IF;

    DELETE FROM aport_gate.idempotency_keys WHERE id IN (
        SELECT old.id FROM aport_gate.idempotency_keys AS old
        JOIN aport_gate.reservations AS taken ON taken.decision_id = old.decision_id
        WHERE old.created_at <= to_timestamp(before - greatest(day, kept_keys))
            AND taken.state <> 'pending'
        LIMIT step
    );
    GET DIAGNOSTICS keys = ROW_COUNT;

    -- Kept until no server can ask again about them, and no key refers to them.
    DELETE FROM aport_gate.reservations WHERE decision_id IN (
        SELECT old.decision_id FROM aport_gate.reservations AS old
        WHERE old.state <> 'pending' AND old.created_at <= to_timestamp(until)
            AND NOT EXISTS (
                SELECT FROM aport_gate.idempotency_keys AS held
                WHERE held.decision_id = old.decision_id
            )
        LIMIT step
    );
    GET DIAGNOSTICS settled = ROW_COUNT;

    more := greatest(lost, counters, keys, settled) >= step;
    IF NOT forced AND NOT more THEN
        UPDATE aport_gate.upkeep SET looked_at = this WHERE one = 1;
    END IF;
END $$;

-- As in version 1, and it refuses to charge windows that may have been pruned: they would seem
-- unspent. `decided_at` and `new_open_until` are Unix seconds.
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
    decided_at bigint,
    new_open_until bigint,
    OUT status text,
    OUT current_totals bigint[],
    OUT key_seen boolean,
    OUT behind bigint
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
        SELECT pruned_until INTO behind FROM aport_gate.upkeep
        WHERE one = 1 AND pruned_until > decided_at;
        IF FOUND THEN
            status := 'clock_behind';
            RETURN;
        END IF;
        IF take_key_id IS NOT NULL
            AND EXISTS (SELECT FROM aport_gate.idempotency_keys WHERE id = take_key_id)
        THEN
            status := 'key_taken';
            RETURN;
        END IF;
        -- A decision that its server has given up has a row here, and is refused.
        INSERT INTO aport_gate.reservations (
            decision_id, agent, policy, state, counter_ids, amounts, key_id, open_until
        ) VALUES (
            new_decision_id, new_agent, new_policy, 'pending',
            charge_ids, charge_amounts, take_key_id, new_open_until
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

CREATE OR REPLACE FUNCTION aport_gate.grant_server(server name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA aport_gate TO %I', server);
    EXECUTE format('GRANT SELECT ON aport_gate.version, aport_gate.audit, aport_gate.audit_head TO %I', server);
    EXECUTE format('GRANT EXECUTE ON FUNCTION aport_gate.read, aport_gate.decide, aport_gate.settle, aport_gate.refuse, aport_gate.prune TO %I', server);
END $$;

-- Whoever could serve with version 1 can serve with this one.
DO $$
DECLARE
    servers name[];
    server name;
BEGIN
    SELECT array_agg(DISTINCT granted.rolname) INTO servers
    FROM pg_catalog.pg_proc AS old
    CROSS JOIN LATERAL pg_catalog.aclexplode(old.proacl) AS entry
    JOIN pg_catalog.pg_roles AS granted ON granted.oid = entry.grantee
    WHERE old.pronamespace = 'aport_gate'::regnamespace
        AND old.proname = 'decide' AND old.pronargs = 19 AND entry.grantee <> old.proowner;
    DROP FUNCTION aport_gate.decide(
        text, text, text, boolean, text, text, bytea[], bigint[], bytea, boolean, bytea[],
        text[], text[], text[], bigint[], bigint[], bigint[], bytea, text
    );
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aport_gate FROM PUBLIC;
    FOREACH server IN ARRAY coalesce(servers, '{}') LOOP
        PERFORM aport_gate.grant_server(server);
    END LOOP;
END $$;

UPDATE aport_gate.version SET version = 2 WHERE one = 1;
