import Synchronization
import Testing

@testable import Telemetry

@Suite("What a process tells of itself")
struct RunningStateTests {
    private func word(_ answer: HTTPPort.Answer) -> String {
        switch answer {
        case .well: "well"
        case .unwell(let reason): "\(reason)"
        case .metrics(let metrics): metrics.text
        }
    }

    @Test("alive while its loop turns, whatever its readiness is")
    func liveness() {
        let start = SuspendingClock.now
        let beat = LoopBeat(now: start)
        let state = RunningState(beat: beat, patience: .seconds(10), obstacle: { "no ledger" }, metrics: { Metrics() })
        #expect(word(state.answer(.livez, now: start + .seconds(9))) == "well")
        #expect(word(state.answer(.livez, now: start + .seconds(10))) == "the loop stands still")
        beat.beat(now: start + .seconds(12))
        #expect(word(state.answer(.livez, now: start + .seconds(21))) == "well")
        beat.beat(now: start + .seconds(5))
        #expect(beat.age(now: start + .seconds(21)) == .seconds(9), "a late word of another thread takes nothing back")
    }

    @Test("ready when nothing stands in the way; metrics as they are now")
    func readiness() {
        let isReady = Atomic(false)
        let state = RunningState(
            beat: LoopBeat(), patience: .seconds(10),
            obstacle: { isReady.load(ordering: .relaxed) ? nil : "not joined" },
            metrics: {
                var page = Metrics()
                page.gauge("etlx_ready", "Ready.", isReady.load(ordering: .relaxed) ? 1 : 0)
                return page
            })
        #expect(word(state.answer(.readyz)) == "not joined")
        isReady.store(true, ordering: .relaxed)
        #expect(word(state.answer(.readyz)) == "well")
        #expect(word(state.answer(.metrics)).hasSuffix("etlx_ready 1\n"))
    }
}
