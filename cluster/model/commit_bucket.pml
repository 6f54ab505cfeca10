/* The commit of one run into a bucket: answers that are lost, requests that land days late, a second coordinator, another
 * publisher, a withdrawal, a sweeper, a clock, and a stop.
 *
 *   step here        what it is                                              where it is in the sources
 *   publish          accept, describe once, note the record, send it         ModuleStore/Publisher.swift
 *   DESCRIBE         files of the version, each created once                 ModuleStore/Seal.swift, S3/S3Storage.swift
 *   willCommit       the ledger notes the record: sealed -> committing       Metadata/Ledger/LedgerWriter.swift
 *   send             date the request, look at the age, send                 ModuleStore/S3/RecordPut.swift
 *   settle           a record without an answer, by whoever leads            Publisher.swift (repeatCommit), RunOffice.swift
 *   aborted          the ledger notes the end, then the files are removed    Scheduling/ClusterState.swift, Sweep.swift
 *   Stop             a signal, a cancellation, no process left               Scheduling/ClusterState.swift, etlx/RunDriver.swift
 *   Sweeper          what is old and no version's                            ModuleStore/Sweep.swift
 *   Withdrawer       a tombstone, then the files                             ModuleStore/Withdraw.swift
 *   age              0 young; 1 beyond attemptDeadline; 2 beyond the grace   Model/Limits.swift
 *
 * A server refuses a request that was dated more than a quarter of an hour ago, so what was dated before the deadline does
 * not land after the grace; a request that is already there lands whenever the network likes.
 *
 * Who takes part: -DFAILOVER -DOTHER -DWITHDRAW -DSWEEP -DSTOP. Fences that can be taken out:
 *   NO_FENCE         the ledger does not compare the coordinator's epoch
 *   NO_CONDITION     the record's PUT replaces what is there
 *   REPLACE_FILES    descriptions are written again for another number
 *   TIMEOUT_FAILS    a PUT without an answer is a failure
 *   STOP_ABORTS      a stop ends a run that is committing
 *   BELIEVE_ABSENCE  past the deadline "not there" is taken for "never"
 *   LOOK_FIRST       the age is looked at before the request is dated
 *   SWEEP_YOUNG      the sweeper does not ask how old an attempt is
 */
#define LAST 3                  /* versions 1..LAST */
#define OURS 1
#define THEIRS 2
mtype = { sealed, committing, published, aborted };

/* the bucket: whose record a number holds, which record it names as the one before, each attempt's files */
byte record[LAST + 2], before[LAST + 2];
byte described[3];              /* 0 no files, else the version that they describe */
bit parts[3], withdrawn[LAST + 1];
/* the network */
bit late[LAST + 1], lateIsOld[LAST + 1], lateFiles[LAST + 1];
byte lateBefore[LAST + 1];
byte age;
/* the ledger */
byte leader = 1, number, predecessor;
mtype phase = sealed;
/* what was said */
bit saidFailed, saidPublished, replaced;

#ifdef NO_FENCE
#define fenced false
#else
#define fenced (leader != me)
#endif
#define isOurs (record[1] == OURS || record[2] == OURS || record[3] == OURS)

inline land(v, whose, parent) {
#ifdef NO_CONDITION
    if :: record[v] != 0 && record[v] != whose -> replaced = 1 :: else fi;
    record[v] = whose; before[v] = parent
#else
    if :: record[v] == 0 -> record[v] = whose; before[v] = parent :: else fi
#endif
}
inline landFiles(whose, v) {
#ifdef REPLACE_FILES
    described[whose] = v
#else
    if :: described[whose] == 0 -> described[whose] = v :: else fi
#endif
}
inline next(v, parent) {        /* the number after the newest, and whose that is */
    atomic {
        v = 1;
        do :: v < LAST && record[v] != 0 -> v++ :: else -> break od;
        parent = (v == 1 -> 0 : record[v - 1])
    }
}
inline removeFiles() { described[OURS] = 0; parts[OURS] = 0 }
/* The end is noted first, then the files are removed, unless the listing shows a record of theirs. */
inline fail(from) {
    atomic {
        if
        :: !fenced && (phase == sealed || phase == from) -> phase = aborted; saidFailed = 1
        :: else -> goto done
        fi
    }
    if :: atomic { !isOurs -> removeFiles() } :: atomic { isOurs -> skip } fi;
    goto done
}

proctype Coordinator(byte me) {
    byte v, parent;
    bit isOld;
    atomic { leader == me -> skip }
    if
    :: atomic { !fenced && phase == sealed -> skip }
    :: atomic { !fenced && phase == committing -> v = number; parent = predecessor; goto settle }
    :: atomic { fenced || phase == published || phase == aborted -> goto done }
    fi;
    /* publish */
    if :: atomic { isOurs -> goto done } :: atomic { !isOurs -> skip } fi;
    if :: age > 0 -> fail(sealed) :: else fi;
    parts[OURS] = 1;
    next(v, parent);
    atomic {                                                             /* DESCRIBE */
        if
        :: landFiles(OURS, v)
        :: lateFiles[v] = 1; goto noDescription
        fi
    }
    if :: described[OURS] != v -> fail(sealed) :: else fi;
    atomic {                                                             /* willCommit */
        if
        :: !fenced && (phase == sealed || phase == committing) -> phase = committing; number = v; predecessor = parent
        :: else -> goto done
        fi
    }
send:
#ifdef LOOK_FIRST
    if :: age > 0 -> goto old :: else fi;
    isOld = (age == 0);                                                  /* dated after it may have stood still */
#else
    isOld = (age == 0);                                                  /* the date that the request carries */
    if :: age > 0 -> goto old :: else fi;
#endif
    atomic {
        if
        :: isOld && age == 2 -> goto old                                 /* the server refuses an old date: an answer */
        :: else
        fi;
        if
        :: record[v] == OURS -> goto committed
        :: record[v] != 0 && record[v] != OURS ->
#ifdef NO_CONDITION
            land(v, OURS, parent); goto committed
#else
            goto lost
#endif
        :: record[v] == 0 -> land(v, OURS, parent); goto committed
        :: record[v] == 0 -> land(v, OURS, parent)                       /* the answer is lost */
        :: record[v] == 0 -> late[v] = 1; lateBefore[v] = parent; lateIsOld[v] = isOld
        fi
    }
#ifdef TIMEOUT_FAILS
    fail(committing);
#endif
    goto settle;
settle:
    /* The same bytes again, whoever leads; a second request beside a late one changes nothing. */
    if
    :: fenced -> goto done
    :: else
    fi;
    if :: described[OURS] == v && age == 0 -> goto send :: else fi;
old:
    /* Too old to be sent. What is on its way may still land until the grace is over. */
#ifndef BELIEVE_ABSENCE
    if
    :: atomic { record[v] == OURS -> goto committed }
    :: atomic { record[v] != OURS && record[v] != 0 -> goto lost }
    :: atomic { record[v] == 0 && age == 2 -> skip }                     /* blocks: until then it is unknown */
    fi;
#else
    if
    :: atomic { record[v] == OURS -> goto committed }
    :: atomic { record[v] != OURS -> skip }
    fi;
#endif
    fail(committing);
lost:
    fail(committing);
committed:
    atomic { if :: !fenced && phase == committing -> phase = published; saidPublished = 1 :: else fi };
    goto done;
noDescription:
    /* No record was noted, so none can come: an answer that is missing here is a failure (turns.pml says why it must be). */
    fail(sealed);
done:
    skip
}

#ifdef STOP
/* One who stops a run that is committing hears its outcome or "unknown"; one that is sealed ends. */
proctype Stop() {
    bit ended;
    atomic {
        if
        :: phase == sealed -> phase = aborted; saidFailed = 1; ended = 1
#ifdef STOP_ABORTS
        :: phase == committing -> phase = aborted; saidFailed = 1; ended = 1
#endif
        :: else
        fi
    }
    if
    :: ended -> if :: atomic { !isOurs -> removeFiles() } :: atomic { isOurs -> skip } fi
    :: else
    fi
}
#endif
#ifdef OTHER
proctype Other() {
    byte v, parent;
    parts[THEIRS] = 1;
    next(v, parent);
    landFiles(THEIRS, v);
    atomic { if :: described[THEIRS] == v -> land(v, THEIRS, parent) :: else fi }
}
#endif
#ifdef WITHDRAW
proctype Withdrawer() {
    byte v;
    if :: v = 1 :: v = 2 fi;
    atomic { record[v] != 0 -> withdrawn[v] = 1 }
    described[record[v]] = 0;
    parts[record[v]] = 0
}
#endif
#ifdef SWEEP
proctype Sweeper() {
#ifndef SWEEP_YOUNG
    age == 2;
#endif
    /* records are read, then the tree is removed: nothing may become a record between */
    if :: atomic { isOurs -> skip } :: atomic { !isOurs -> skip }; described[OURS] = 0; parts[OURS] = 0 fi
}
proctype Clock() {
    age = 1;
    /* the server refuses what was dated before the deadline from here on */
    atomic {
        age = 2;
        if :: lateIsOld[1] -> late[1] = 0 :: else fi;
        if :: lateIsOld[2] -> late[2] = 0 :: else fi;
        if :: lateIsOld[3] -> late[3] = 0 :: else fi
    }
}
#endif
proctype Network() {
    byte v;
endIdle:
    do
    :: atomic { late[1] -> late[1] = 0; if :: land(1, OURS, lateBefore[1]) :: skip fi }
    :: atomic { late[2] -> late[2] = 0; if :: land(2, OURS, lateBefore[2]) :: skip fi }
    :: atomic { lateFiles[1] -> lateFiles[1] = 0; if :: landFiles(OURS, 1) :: skip fi }
    :: atomic { lateFiles[2] -> lateFiles[2] = 0; if :: landFiles(OURS, 2) :: skip fi }
    od
}
#define whole(v) (record[v] == 0 || withdrawn[v] || (parts[record[v]] && described[record[v]] == v))
#define chained(v) (record[v] == 0 || (record[v - 1] != 0 && before[v] == record[v - 1]))
proctype Monitor() {
endWatch:
    do
    :: atomic { replaced -> assert(false) }                                   /* a number holds one thing for ever */
    :: atomic { !(whole(1) && whole(2) && whole(3)) -> assert(false) }        /* a version has its files, and its own */
    :: atomic { !(chained(2) && chained(3)) -> assert(false) }                /* each names the one before */
    :: atomic { saidFailed && isOurs -> assert(false) }                       /* what failed is no version, ever */
    :: atomic { saidPublished && !isOurs -> assert(false) }                   /* what was published is one */
    :: atomic { record[1] == OURS && record[2] == OURS -> assert(false) }     /* an attempt is one version at most */
    od
}
#ifdef FAILOVER
proctype Failover() { leader = 2 }
#endif
init {
    atomic {
        run Network(); run Monitor(); run Coordinator(1);
#ifdef FAILOVER
        run Coordinator(2); run Failover();
#endif
#ifdef OTHER
        run Other();
#endif
#ifdef WITHDRAW
        run Withdrawer();
#endif
#ifdef SWEEP
        run Sweeper(); run Clock();
#endif
#ifdef STOP
        run Stop();
#endif
    }
}
