/* What a stopped run says, what the ledger says, and what the store holds: signals, an end of the process, the next run.
 *
 * One process has a loop that hears signals and a publisher's thread. The first signal ends a run that is sealed and waits
 * for one that is committing; the second ends the process at once. SIGKILL ends it anywhere. A PUT that is on its way lands
 * when the process is long gone. The next run settles what the ledger calls open.
 *
 *   step here      what it is                                          where it is in the sources
 *   first signal   ClusterState hears `drain`                          Scheduling/ClusterState.swift, etlx/RunDriver.swift
 *   second signal  the process says what it knows, and ends            etlx/StopSignals.swift, etlx/RunDriver.swift
 *   no process     the supervisor's replacements are used up           etlx/ChildProcesses.swift, etlx/RunDriver.swift
 *   willCommit     the ledger takes sealed -> committing alone         Metadata/Ledger/LedgerWriter.swift
 *   put            the record, of unknown fate                         ModuleStore (create)
 *   settle         the next run                                        Coordinator/EarlierRuns.swift
 *
 * Fences that can be taken out: STOP_ABORTS (the first signal ends a run that is committing), SECOND_DENIES (the second says
 * that nothing was published), DISCARD_FIRST (files are removed before the end is noted), ANY_STATE (the ledger lets an
 * ended run commit), KILL_IS_FAILURE (the next run takes what it finds open for failed).
 */
mtype = { sealed, committing, published, aborted };
mtype phase = sealed;
bit running = 1, record, underWay, files = 1, hasSent;
byte signals;
bit saidNothing, saidPublished, saidUnknown, settled;

proctype Publisher() {
    {
        atomic {
            if
#ifdef ANY_STATE
            :: phase == sealed || phase == aborted -> phase = committing
#else
            :: phase == sealed -> phase = committing
#endif
            :: else -> goto done
            fi
        }
        atomic {
            hasSent = 1;
            if
            :: record = 1                                             /* and the answer comes */
            :: record = 1; goto noAnswer
            :: underWay = 1; goto noAnswer
            fi
        }
outcome:
        atomic { phase = published; saidPublished = 1; running = 0; goto done }
noAnswer:
        /* the same bytes again */
        if
        :: atomic { record -> goto outcome }
        :: atomic { !record -> record = 1; goto outcome }
        fi;
done:
        skip
    } unless { !running }
}
proctype Loop() {
    {
        signals > 0;
        atomic {
            if
            :: phase == sealed ->
#ifdef DISCARD_FIRST
                files = 0;
#endif
                skip
            :: phase == committing ->
#ifdef STOP_ABORTS
                phase = aborted; saidNothing = 1; files = 0; running = 0; goto done
#else
                goto waits
#endif
            :: else -> goto done
            fi
        }
        /* the ledger decides who was first: the publisher's note or this one */
        atomic {
            if
            :: phase == sealed -> phase = aborted; files = 0; saidNothing = 1
            :: else -> goto waits
            fi
        }
        goto done;
waits:
        atomic { signals > 1 && phase == committing ->
#ifdef SECOND_DENIES
            saidNothing = 1;
#else
            saidUnknown = 1;
#endif
            running = 0
        }
done:
        skip
    } unless { !running }
}
proctype Person() {
    do
    :: atomic { signals < 2 && running -> signals++ }
    :: break
    od
}
proctype Kill() {
    if
    :: atomic { running && phase != published -> running = 0 }
    :: skip
    fi
}
proctype Network() {
endIdle:
    do
    :: atomic { underWay -> underWay = 0; if :: record = 1 :: skip fi }
    od
}
proctype NextRun() {
    !running;
    if
    :: atomic { phase == sealed -> phase = aborted; files = 0 }
    :: atomic { phase == committing ->
#ifdef KILL_IS_FAILURE
           phase = aborted; files = 0
#else
           record = 1; phase = published                              /* the same bytes again, till there is an answer */
#endif
       }
    :: atomic { phase == published || phase == aborted -> skip }
    fi;
    settled = 1
}
proctype Monitor() {
endWatch:
    do
    :: atomic { saidNothing && record -> assert(false) }              /* "nothing was published" stays true */
    :: atomic { saidPublished && !record -> assert(false) }
    :: atomic { record && !files -> assert(false) }                   /* a version has its files */
    :: atomic { phase == aborted && record -> assert(false) }         /* the ledger agrees with the store */
    :: atomic { phase == published && !record -> assert(false) }
    :: atomic { settled && phase != published && phase != aborted -> assert(false) }
    od
}
init {
    atomic { run Publisher(); run Loop(); run Person(); run Kill(); run Network(); run NextRun(); run Monitor() }
}
