/* The commit of one run into a folder: what is not flushed may be lost when the power fails, each name by itself; a flush
 * may fail after the name is there; somebody else publishes; a version is withdrawn; a sweeper runs beside a cluster.
 *
 *   step here      what it is                                            where it is in the sources
 *   place parts    staged parts get their names in runs/<attempt>        ModuleStore/Disk/DiskStorage.swift
 *   describe       the version's files, SHA256SUMS last                  ModuleStore/Seal.swift
 *   flush          the run's folders, leaves first                       ModuleStore/Seal.swift
 *   ledger         SQLite with synchronous = FULL: durable at return     Metadata/Ledger/SQLiteLedger.swift
 *   CREATE         link(2) of the record, then fsync of _versions        ModuleStore/Disk/DiskStorage.swift
 *   restart        the next run settles what the ledger calls open       Coordinator/EarlierRuns.swift
 *   Withdrawer     tombstone, published files, then the staging          ModuleStore/Withdraw.swift
 *   Sweeper        asks for signs of life, reads the records, removes    ModuleStore/Sweep.swift
 *
 * A file's bytes are flushed before it gets its name, so a name that is there has its bytes.
 *
 * Who takes part: -DOTHER -DREADER -DWITHDRAW -DSWEEP. Fences that can be taken out: NO_FLUSH (folders of the run are not
 * flushed before the commit), RENAME (a plain rename in place of link), FLUSH_FAILS (an error of fsync behind link is told
 * as a failure), READER_BELIEVES (a reader that must be sure does not flush), KEEP_STAGING (a withdrawal leaves the
 * staging), NO_SIGN (a sweeper does not ask whether a coordinator is at work), NO_SUMS (a record is created again though the
 * files that it names are gone).
 */
#define OURS 1
#define THEIRS 2
mtype = { sealed, committing, published, aborted };

/* each name: whether it is seen, whether it outlives the power */
bit parts, partsKept, files, filesKept, sums, sumsKept, staged = 1, withdrawn;
byte record, recordKept;
mtype phase = sealed;
byte failures, life = 1, believed;
bit sign = 1, removed, saidFailed, saidPublished, replaced;

inline create(whose) {
    atomic {
#ifdef RENAME
        if :: record != 0 && record != whose -> replaced = 1 :: else fi;
        record = whose
#else
        if :: record == 0 -> record = whose :: else fi
#endif
    }
}
inline removeOurs() {
    if
    :: record == OURS
    :: else -> sums = 0; files = 0; parts = 0; staged = 0; atomic { sumsKept = 0; filesKept = 0; partsKept = 0 }
    fi
}

proctype Publisher() {
    byte mine;
begin:
    mine = life;
    {
        if
        :: phase == sealed && mine == 1
        /* the process is another one now: what was sealed and no more is ended */
        :: phase == sealed && mine > 1 -> phase = aborted; saidFailed = 1; removeOurs(); goto done
        :: phase == committing -> goto settle
        :: phase == published || phase == aborted -> goto done
        fi;
        parts = 1; files = 1; sums = 1;
#ifndef NO_FLUSH
        partsKept = 1; filesKept = 1; sumsKept = 1;
#endif
        phase = committing;
        goto make;
settle:
#ifndef NO_SUMS
        /* without its list of digests a record is not made again: it is what it is */
        if
        :: atomic { !sums && record != OURS -> goto lost }
        :: atomic { !sums && record == OURS -> goto won }
        :: atomic { sums -> skip }
        fi;
#endif
make:
        create(OURS);
        if :: record == THEIRS -> goto lost :: else fi;
        if
        :: recordKept = record
        :: skip ->                                       /* EIO, ENOSPC, EDQUOT behind link */
#ifdef FLUSH_FAILS
            goto lost
#else
            goto done                                    /* unknown: the ledger stays committing, the next run settles it */
#endif
        fi;
won:
        phase = published; saidPublished = 1;
        sign = 0; staged = 0;
        goto done;
lost:
        phase = aborted; saidFailed = 1; removeOurs(); sign = 0;
done:
        life != mine
    } unless { life != mine };
    goto begin
}
proctype Power() {
    do
    :: atomic { failures < 2 ->
           failures++; life++;
           if :: parts != partsKept -> if :: parts = partsKept :: partsKept = parts fi :: else fi;
           if :: files != filesKept -> if :: files = filesKept :: filesKept = files fi :: else fi;
           if :: sums != sumsKept -> if :: sums = sumsKept :: sumsKept = sums fi :: else fi;
           if :: record != recordKept -> if :: record = recordKept :: recordKept = record fi :: else fi
       }
    :: break
    od
}
#ifdef OTHER
proctype Other() { atomic { create(THEIRS); recordKept = record } }
#endif
#ifdef READER
/* A reader that must be sure flushes _versions before it believes what it sees. */
proctype Reader() {
    atomic { record != 0 ->
#ifndef READER_BELIEVES
        recordKept = record;
#endif
        believed = record
    }
}
#endif
#ifdef WITHDRAW
/* The staging of a publisher that was killed behind its record lies there still. */
proctype Withdrawer() {
    atomic { record == OURS && recordKept == OURS && phase != sealed -> withdrawn = 1 }
    /* the removals are flushed before it says that nothing is left; a power failure before that begins it again */
    atomic { sums = 0; files = 0; parts = 0; sumsKept = 0; filesKept = 0; partsKept = 0 }
#ifndef KEEP_STAGING
    staged = 0;
#endif
    removed = 1
}
#endif
#ifdef SWEEP
proctype Sweeper() {
#ifndef NO_SIGN
    sign == 0;
#endif
    /* the records are read again right before the tree goes */
    if
    :: atomic { record == OURS -> skip }
    :: atomic { record != OURS -> skip }; sums = 0; files = 0; parts = 0; atomic { sumsKept = 0; filesKept = 0; partsKept = 0 }
    fi
}
#endif
proctype Monitor() {
endWatch:
    do
    :: atomic { replaced -> assert(false) }                                          /* a number holds one thing for ever */
    :: atomic { record == OURS && !withdrawn && !(parts && files && sums) -> assert(false) }   /* a version has its files */
    :: atomic { saidFailed && record == OURS -> assert(false) }                      /* what failed is no version */
    :: atomic { saidPublished && record != OURS -> assert(false) }                   /* what was published is one, for ever */
    :: atomic { believed != 0 && record != 0 && record != believed -> assert(false) }   /* a number that was believed stays */
    :: atomic { removed && (staged || parts) -> assert(false) }                      /* nothing of a withdrawn version is left */
    od
}
init {
    atomic {
        run Publisher(); run Power(); run Monitor();
#ifdef OTHER
        run Other();
#endif
#ifdef READER
        run Reader();
#endif
#ifdef WITHDRAW
        run Withdrawer();
#endif
#ifdef SWEEP
        run Sweeper();
#endif
    }
}
