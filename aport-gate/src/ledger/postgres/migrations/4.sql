-- Schema version 4 of the aport-gate ledger: keys that were pruned count as counters do. No clock is believed
-- that stands where they would have paid only once; an hour is forgiven, since clocks of servers differ.

-- As in version 2, and it moves `pruned_until` for keys too.
CREATE OR REPLACE FUNCTION aport_gate.prune(
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
    newest bigint;
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

    WITH gone AS (
        DELETE FROM aport_gate.idempotency_keys WHERE id IN (
            SELECT old.id FROM aport_gate.idempotency_keys AS old
            JOIN aport_gate.reservations AS taken ON taken.decision_id = old.decision_id
            WHERE old.created_at <= to_timestamp(before - greatest(day, kept_keys))
                AND taken.state <> 'pending'
            LIMIT step
        )
        RETURNING created_at
    )
    SELECT count(*), max(floor(extract(epoch FROM created_at)))::bigint INTO keys, newest FROM gone;
    IF keys > 0 THEN
        UPDATE aport_gate.upkeep
        SET pruned_until = greatest(pruned_until, newest + greatest(day, kept_keys) - hour)
        WHERE one = 1;
    END IF;

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

UPDATE aport_gate.version SET version = 4 WHERE one = 1;
