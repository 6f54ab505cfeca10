/* Whose turn it is in a module: runs of one module follow one another, and an older snapshot is never published over a newer.
 *
 * Run 1 waits for its description, run 2 for run 1 to be over. The leader changes at any moment; a new one knows what the
 * ledger says, not what the old one said.
 *
 *   step here      what it is                                            where it is in the sources
 *   no answer      the description's PUT is unknown for a quarter hour   ModuleStore/S3/S3Storage.swift, Coordinator/RunOffice.swift
 *   ends           aborted in the ledger, or published                   Scheduling/ClusterState.swift (fail, end)
 *   failover       memory becomes what the ledger says                   etlx/CoordinatorDriver.swift, Scheduling/ClusterState.swift
 *   turn           the next run of the module begins                     Scheduling/ClusterState.swift (end)
 *
 * The fence that can be taken out: FORGET (a run without an answer leaves the memory and stays open in the ledger).
 */
mtype = { waiting, sealed, published, aborted, forgotten };
mtype ledger[3], memory[3];
byte record[3], newest, leaders = 1;

proctype Leader() {
    byte r;
    bit unanswered;
    do
    :: atomic { memory[1] == sealed && !unanswered ->
           unanswered = 1;
#ifdef FORGET
           memory[1] = forgotten
#else
           memory[1] = aborted; ledger[1] = aborted
#endif
       }
    :: atomic { memory[1] == sealed -> newest++; record[newest] = 1; memory[1] = published; ledger[1] = published }
    :: atomic { memory[2] == waiting && memory[1] != sealed -> memory[2] = sealed; ledger[2] = sealed }
    :: atomic { memory[2] == sealed -> newest++; record[newest] = 2; memory[2] = published; ledger[2] = published }
    :: atomic { leaders < 3 ->
           leaders++;
           r = 1;
           do :: r < 3 -> memory[r] = ledger[r]; r++ :: else -> break od;
           r = 0
       }
    :: atomic { leaders == 3 && memory[1] != sealed && memory[2] != sealed && memory[2] != waiting -> break }
    od
}
proctype Monitor() {
endWatch:
    do
    :: atomic { newest == 2 && record[2] == 1 -> assert(false) }                     /* older data over newer */
    :: atomic { memory[1] == sealed && memory[2] == sealed -> assert(false) }        /* two runs of a module at once */
    od
}
init {
    atomic {
        ledger[1] = sealed; memory[1] = sealed; ledger[2] = waiting; memory[2] = waiting;
        run Leader(); run Monitor()
    }
}
