/* The commit of one run into PostgreSQL: an INSERT and a COMMIT of unknown fate, a remover, another publisher, a worker's
 * late part, a successor, a deadline, and a session that stands still in its transaction.
 *
 *   step here      what it is                                               where it is in the sources (ModuleStore/Postgres)
 *   INSERT         the version's row; waits for another's open row          PostgresStorage+Writing.swift
 *   reference      the row refers to the attempt's, which it locks          PostgresSchema.swift, PostgresStorage+Writing.swift
 *   COMMIT         the same row again until its fate is known               PostgresStorage+Writing.swift
 *   remove         parts, files and attempt in one transaction              PostgresStorage+Removing.swift
 *   late part      a part is taken while the attempt is open alone          PostgresStorage+Accepting.swift, PostgresPart.swift
 *   idle           a session idle in its transaction is ended by the server PostgresStorage+Writing.swift
 *
 * session[c] of coordinator c: 0 none, 1 its row is inserted, 2 its COMMIT is on its way and not answered.
 *
 * Fences that can be taken out: NO_KEY (numbers need not be unique), NO_REFERENCE (a version without its attempt),
 * NO_SEAL (a part may come after the sealing), GIVE_UP (a lost connection is a failure), BELIEVE_ABSENCE (past the deadline
 * "not there" is taken for "never"), NO_IDLE_LIMIT (the server waits for ever on a client that stands still).
 */
#define OURS 1
#define THEIRS 2
mtype = { sealed, committing, published, aborted };
byte row;
byte session[3];
bit attempt = 1, isSealed, lateTaken, deadline, asleep;
byte leader = 1;
mtype phase = sealed;
bit saidFailed, saidPublished, doubled, stuck;
#define fenced (leader != me)

inline remove() {
#ifdef NO_REFERENCE
    atomic { if :: row == OURS :: else -> attempt = 0 fi }
#else
    /* waits for those that refer to it, and gives up after a minute */
    atomic { if :: row == OURS || session[1] != 0 || session[2] != 0 -> skip :: else -> attempt = 0 fi }
#endif
}
inline fail() {
    atomic {
        if
        :: !fenced && phase != published && phase != aborted -> phase = aborted; saidFailed = 1
        :: else -> goto done
        fi
    }
    remove();
    goto done
}
proctype Coordinator(byte me) {
    byte answer;
    atomic { leader == me -> skip }
    if
    :: atomic { !fenced && phase == sealed -> skip }
    :: atomic { !fenced && phase == committing -> goto insert }
    :: atomic { fenced || phase == published || phase == aborted -> goto done }
    fi;
    if :: deadline -> fail() :: else fi;
    if :: attempt -> isSealed = 1 :: !attempt -> fail() fi;
    atomic { if :: !fenced && phase == sealed -> phase = committing :: else -> goto done fi };
insert:
#ifdef BELIEVE_ABSENCE
    if :: atomic { deadline && row != OURS -> skip }; fail() :: atomic { deadline && row == OURS -> goto won } :: !deadline -> skip fi;
#endif
    /* The unique index makes the second wait for the first one's transaction, so an answer is about what is for good. */
    atomic { session[3 - me] == 0 ->
        if
        :: row == OURS -> answer = 1
#ifdef NO_KEY
        :: row == THEIRS -> session[me] = 1; answer = 3
#else
        :: row == THEIRS -> answer = 2
#endif
#ifdef NO_REFERENCE
        :: row == 0 -> session[me] = 1; answer = 3
#else
        :: row == 0 && attempt -> session[me] = 1; answer = 3
        :: row == 0 && !attempt -> answer = 2
#endif
        fi
    }
    if :: answer == 1 -> goto won :: answer == 2 -> fail() :: else fi;
    if
    :: atomic { session[me] == 1 -> if :: row == THEIRS -> doubled = 1 :: else fi; row = OURS; session[me] = 0; goto won }
    :: atomic { session[me] == 1 -> session[me] = 2 }                    /* the connection is lost */
    :: atomic { session[me] == 1 && me == 1 -> asleep = 1; goto sleeps } /* it stands still before its COMMIT */
    :: atomic { session[me] == 0 -> goto insert }                        /* the server has ended it */
    fi;
#ifdef GIVE_UP
    fail();
#endif
    session[me] == 0;
    goto insert;
sleeps:
    session[me] == 0;
    asleep = 0;
    goto insert;
won:
    atomic { if :: !fenced && phase == committing -> phase = published; saidPublished = 1 :: else fi };
done:
    skip
}
proctype Server() {
endIdle:
    do
    :: atomic { session[1] == 2 -> if :: row = OURS :: skip fi; session[1] = 0 }
    :: atomic { session[2] == 2 -> if :: row = OURS :: skip fi; session[2] = 0 }
#ifndef NO_IDLE_LIMIT
    :: atomic { asleep && session[1] == 1 -> session[1] = 0 }            /* idle_in_transaction_session_timeout */
#endif
    od
}
proctype Worker() {
    atomic {
#ifdef NO_SEAL
        lateTaken = isSealed
#else
        skip
#endif
    }
}
/* What is old and no version's goes; it asks the rows, not the clock of whoever publishes. */
proctype Sweeper() { deadline; remove() }
proctype Other() { atomic { session[1] == 0 && session[2] == 0 -> if :: row == 0 -> row = THEIRS :: else fi } }
proctype Failover() { leader = 2 }
proctype Clock() { deadline = 1 }
proctype Monitor() {
endWatch:
    do
    :: atomic { doubled -> assert(false) }                               /* a number holds one thing for ever */
    :: atomic { row == OURS && !attempt -> assert(false) }               /* a version has its files */
    :: atomic { saidFailed && row == OURS -> assert(false) }             /* what failed is no version, ever */
    :: atomic { saidPublished && row != OURS -> assert(false) }          /* what was published is one */
    :: atomic { row == OURS && lateTaken -> assert(false) }              /* and has no other parts than those of its manifest */
    :: atomic { timeout && asleep -> assert(false) }                     /* nobody holds the module's lock for ever */
    od
}
init {
    atomic {
        run Coordinator(1); run Coordinator(2); run Server(); run Worker(); run Other(); run Failover(); run Clock();
        run Sweeper();
        run Monitor()
    }
}
