/* One shard: who may work on it, and whose part is published.
 *
 * Two coordinators share a ledger, the second takes over at any moment and the first goes on without knowing it. Three
 * attempts at the shard sleep anywhere. A grant is delivered late or never; a receipt, once sent, is heard by either
 * coordinator any number of times.
 *
 *   step here     what it is                                          where it is in the sources
 *   GRANT         a free shard, or a copy for a straggler             Scheduling/ClusterState+Calls.swift
 *   LAPSE         silence, a release, a closed connection, a drain    Scheduling/ClusterState+Time.swift
 *   HEAR          a receipt is accepted, or refused as fenced         Scheduling/ClusterState+Calls.swift
 *   TAKE_OVER     what the ledger says becomes the memory             Scheduling/RunSchedule.swift
 *   transaction   one ledger append: fence, then rules, then change   Metadata/Ledger/LedgerChange.swift
 *   Attempt       a worker writes its part, then sends its receipt    Worker/TaskRunner.swift, Cluster/Node/NodeState.swift
 *   path(e)       a staged part's name carries its epoch              ModuleStore/Store.swift
 *   SEAL, PUBLISH the manifest is whole and is published              Coordinator/RunOffice.swift, ModuleStore/Seal.swift
 *
 * Fences that can be taken out: -DNO_FENCE (the ledger does not compare the coordinator's epoch), -DNO_RULES (it does not
 * look at the attempt's state), -DNO_TOKEN (a coordinator accepts a receipt of an ended lease), -DPLAIN_TOKENS (tokens
 * without the coordinator's epoch), -DONE_PATH (attempts write to one place), -DTELL_FIRST (a grant is told before it is
 * durable).
 */
#define LAST 3                                  /* attempts 1..LAST; an attempt's number is its epoch */

/* the ledger */
byte leader = 1, newest, accepted;
bit open[LAST + 1], sealed;
byte token[LAST + 1];
/* the store: 0 nothing, e the part of attempt e, 10 + e half of it */
byte place[LAST + 1], published;
/* the network */
bit grantSent[LAST + 1], receiptSent[LAST + 1];
byte told[LAST + 1];                            /* the token that the attempt was given */
/* what must not happen */
bit acceptedTwice, acceptedEnded;

#ifdef ONE_PATH
#define path(e) 1
#else
#define path(e) (e)
#endif
#ifdef NO_FENCE
#define fenced false
#else
#define fenced (leader != me)
#endif
#ifdef NO_RULES
#define rule(condition) true
#else
#define rule(condition) (condition)
#endif
#ifdef NO_TOKEN
#define known(e) true
#else
#ifdef PLAIN_TOKENS
#define known(e) (lease[1] == told[e] || lease[2] == told[e] || lease[3] == told[e])
#else
#define known(e) (lease[e] == told[e] && told[e] != 0)
#endif
#endif

inline lapse(e) {
    atomic { done == 0 && lease[e] != 0 ->
        if :: fenced || !rule(open[e]) -> goto deposed :: else fi;
        open[e] = 0; lease[e] = 0
    }
}
inline hear(e) {
    atomic { receiptSent[e] && done == 0 && known(e) ->
        if :: fenced || !rule(open[e] && accepted == 0) -> goto deposed :: else fi;
        if :: accepted != 0 && accepted != e -> acceptedTwice = 1 :: else fi;
        if :: !open[e] -> acceptedEnded = 1 :: else fi;
        accepted = e; open[e] = 0; done = e; lease[1] = 0; lease[2] = 0; lease[3] = 0
    }
}
proctype Coordinator(byte me) {
    byte lease[LAST + 1], done, top, grants, e;
    bit isSealed;
    /* TAKE_OVER: each attempt that the ledger calls open lives on */
    atomic { leader == me ->
        e = 1;
        do :: e <= LAST -> if :: open[e] -> lease[e] = token[e] :: else fi; e++ :: else -> break od;
        e = 0; done = accepted; top = newest; isSealed = sealed
    }
    do
    :: atomic { done == 0 && top < LAST && (lease[1] == 0 || lease[2] == 0) ->          /* GRANT */
           top++; grants++;
#ifdef PLAIN_TOKENS
           lease[top] = grants;
#else
           lease[top] = 4 * me + grants;
#endif
           told[top] = lease[top];
#ifdef TELL_FIRST
           grantSent[top] = 1;
           if :: skip :: goto deposed fi;                                               /* dies before the append */
#endif
           if :: fenced || !rule(newest < top && accepted == 0) -> goto deposed :: else fi;
           open[top] = 1; newest = top; token[top] = lease[top];
           grantSent[top] = 1
       }
    :: lapse(1) :: lapse(2) :: lapse(3)
    :: hear(1) :: hear(2) :: hear(3)
    :: atomic { done != 0 && !isSealed ->                                                /* SEAL */
           if :: fenced -> goto deposed :: else fi;
           sealed = 1; isSealed = 1
       }
    :: atomic { isSealed && published == 0 -> published = done; goto deposed }           /* PUBLISH */
    od;
deposed:
    skip
}
proctype Attempt(byte e) {
endIdle:
    do
    :: grantSent[e] ->
        grantSent[e] = 0;
        place[path(e)] = 10 + e;
        place[path(e)] = e;
        receiptSent[e] = 1
    od
}
proctype Failover() { leader = 2 }
proctype Monitor() {
endWatch:
    do
    :: atomic { acceptedTwice -> assert(false) }                                         /* accepted once, never changed */
    :: atomic { acceptedEnded -> assert(false) }                                         /* nothing by an ended lease */
    :: atomic { sealed && accepted == 0 -> assert(false) }                               /* sealed: every shard is accepted */
    :: atomic { accepted != 0 && place[path(accepted)] != accepted -> assert(false) }    /* its part is there, whole */
    :: atomic { published != 0 && published != accepted -> assert(false) }               /* the manifest names it */
    od
}
init {
    atomic {
        run Monitor(); run Coordinator(1); run Coordinator(2); run Failover();
        run Attempt(1); run Attempt(2); run Attempt(3)
    }
}
