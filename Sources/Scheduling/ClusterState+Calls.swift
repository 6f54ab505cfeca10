package import Cluster
internal import Model

/// What nodes and people ask, one function a question.
extension ClusterState {
    mutating func answer(_ call: Call, now: Instant, _ step: inout Step) {
        switch call.request {
        // Admitted by a token, at the door.
        case .join(let join): return admit(call.node, join, now: now, &step)
        case .submit(let submission): return take(submission, now: now, &step)
        case .status(let run):
            step.reply = .status(status(of: run, now: now))
            return
        case .cancel(let run): return cancel(run, &step)
        default: break
        }
        let node = call.node
        guard NodeName.isOne(node), isGenuine(call), hasRoom(for: node) else {
            step.notes.append(.refused(node: node.shown(limit: 40), reason: "no credential of this cluster"))
            step.reply = .unknownNode
            return
        }
        // One that another coordinator admitted, or that was silent for long, is known by its credential.
        nodes[node, default: Node(role: .of(node) ?? .worker, lastHeard: now)].lastHeard = now
        nodes[node]!.disconnectedSince = nil
        nodes[node]!.credential = call.credential
        switch call.request {
        case .poll: grant(to: node, now: now, &step)
        case .heartbeat(let tasks, let holding): extend(tasks, holding: holding, of: node, now: now, &step)
        case .fetch(let run, let text, let offset): slice(of: run, text, from: offset, &step)
        case .upload(let run, let token, let offset, let total, let bytes):
            receive(bytes, of: run, at: offset, total: total, token: token, from: node, &step)
        case .complete(let run, let token, let result):
            complete(result, of: run, token: token, from: node, now: now, &step)
        case .fail(_, let token, let failure): attemptFailed(failure, token: token, from: node, now: now, &step)
        case .release(_, let token): release(token, from: node, now: now, &step)
        case .leave:
            step.reply = .accepted
            lose(node, countsAsCrash: false, reason: "left", now: now, &step)
        case .join, .submit, .status, .cancel: break
        }
    }

    private func hasRoom(for name: String) -> Bool { nodes.count < Limits.nodesPerCluster || nodes[name] != nil }

    private mutating func admit(_ name: String, _ join: Join, now: Instant, _ step: inout Step) {
        guard name.hasPrefix("\(join.role.rawValue)-"), NodeName.isOne(name) else {
            step.reply = .refused(reason: "a name that does not begin with the role, or is no plain word")
            return
        }
        guard hasRoom(for: name) else {
            step.reply = .refused(reason: "\(nodes.count) nodes have joined; no more are admitted")
            return
        }
        guard join.build == ProductVersion.text else {
            step.reply = .refused(
                reason:
                    "this coordinator is \(ProductVersion.text), the \(join.role.rawValue) \(join.build.shown(limit: 40))"
            )
            return
        }
        // The same name again is the same process: its answer was lost, or its credential was of other tokens.
        var node = nodes[name] ?? Node(role: join.role, lastHeard: now)
        node.slots = max(1, min(join.slots, Limits.slotsPerWorker))
        node.processID = join.processID
        node.host = join.host.shown(limit: 64)
        node.lastHeard = now
        nodes[name] = node
        step.reply = .welcome(credential: credential(of: name))
        step.notes.append(.joined(node: name))
    }

    // MARK: Granting

    private mutating func grant(to name: String, now: Instant, _ step: inout Step) {
        let node = nodes[name]!
        if mayLeave(node) {
            nodes[name]!.isDraining = true
            step.reply = .drain
            return
        }
        let nothing = Reply.noWork(retryAfterMilliseconds: pollInterval.inMilliseconds, isIdle: order.isEmpty)
        guard !isDraining, node.tokens.count < node.slots ?? Limits.slotsPerWorker else {
            step.reply = nothing
            return
        }
        let grant: Grant? =
            switch node.role {
            case .keeper: grantToKeeper(name, now: now, &step)
            case .worker: grantShard(name, now: now, &step)
            }
        step.reply = grant.map { .grant($0) } ?? nothing
    }

    /// The more nodes ask, the less often each does; and less often when nothing is to be done at all.
    private var pollInterval: Duration {
        let least = policy.leavesWhenDone ? Limits.pollIntervalOfOneRun : Limits.pollInterval
        let crowd = max(least, .milliseconds(2 * nodes.count))
        return min(order.isEmpty && !policy.leavesWhenDone ? crowd * 5 : crowd, Limits.longestPollInterval)
    }

    /// A coordinator of one run lets its processes go when they are not needed any more.
    private func mayLeave(_ node: Node) -> Bool {
        guard policy.leavesWhenDone else { return false }
        guard let run = order.first.flatMap({ runs[$0] }) else { return !ended.isEmpty || isDraining }
        // Readers that finish their shards need the snapshots until they have.
        if isDraining { return node.role == .worker || leases.isEmpty }
        // The keeper may let go of its snapshots as soon as every shard is read.
        return run.phase == .publishing
    }

    private mutating func grantToKeeper(_ name: String, now: Instant, _ step: inout Step) -> Grant? {
        for id in order {
            let run = runs[id]!
            let lease: TaskLease
            let spec: TaskSpec
            if run.phase == .planning, run.planning.leases.isEmpty {
                spec = .plan
                lease = newLease(name, epoch: run.planning.epoch + 1, now: now)
                runs[id]!.planning.epoch = lease.epoch
                runs[id]!.planning.leases = [lease]
                step.records.append(
                    Record(run: id, record: .planning(epoch: lease.epoch, token: lease.token, worker: name)))
            } else if run.phase == .extracting, run.needsKeeper, run.holding == nil, !run.holders.isEmpty,
                run.holders.count < Limits.holdersPerRun, run.holders[name] == nil
            {
                spec = .hold
                lease = newLease(name, epoch: 1, now: now)
                runs[id]!.holding = lease
            } else {
                continue
            }
            return granted(id, spec, lease, isCopy: false, &step)
        }
        return nil
    }

    private mutating func grantShard(_ name: String, now: Instant, _ step: inout Step) -> Grant? {
        // The run with the fewest shards in hand first; of equal ones the oldest.
        let turns = order.enumerated().filter { runs[$1]!.phase == .extracting }
            .sorted { (runs[$0.element]!.leasedCount, $0.offset) < (runs[$1.element]!.leasedCount, $1.offset) }
            .map(\.element)
        let isAlone = !hasSeveralWorkers
        for id in turns {
            let free = connections
            let limit = policy.connectionsPerSource
            if let position = runs[id]!.take(
                for: name, now: now, isFree: { $0.isEmpty || free[$0, default: 0] < limit }, isAlone: isAlone)
            {
                return grantShard(id, position, name, now: now, isCopy: false, &step)
            }
        }
        for id in turns {
            guard let position = runs[id]!.straggler(for: name, now: now) else { continue }
            let source = runs[id]!.sources[position]
            guard source.isEmpty || connections[source, default: 0] < policy.connectionsPerSource else { continue }
            return grantShard(id, position, name, now: now, isCopy: true, &step)
        }
        return nil
    }

    /// Without counting all of them: it is asked with every grant.
    private var hasSeveralWorkers: Bool {
        var count = 0
        for node in nodes.values where node.role == .worker {
            count += 1
            if count == 2 { return true }
        }
        return false
    }

    private mutating func grantShard(
        _ id: String, _ position: Int, _ name: String, now: Instant, isCopy: Bool, _ step: inout Step
    ) -> Grant {
        let spec = runs[id]!.specs[position]
        let lease = newLease(name, epoch: runs[id]!.shards[position].epoch + 1, now: now)
        runs[id]!.lease(position, lease)
        connections[runs[id]!.sources[position], default: 0] += 1
        if case .shard(let table, let index) = spec {
            step.records.append(
                Record(
                    run: id,
                    record: .granted(table: table, shard: index, epoch: lease.epoch, worker: name, token: lease.token)))
        }
        return granted(id, spec, lease, isCopy: isCopy, &step)
    }

    private mutating func newLease(_ name: String, epoch: Int, now: Instant) -> TaskLease {
        let token = nextToken()
        return TaskLease(
            worker: name, token: token, epoch: epoch, since: now, until: now + policy.leaseTime,
            progress: TaskProgress(token: token, rows: 0, bytes: 0))
    }

    private mutating func granted(_ id: String, _ spec: TaskSpec, _ lease: TaskLease, isCopy: Bool, _ step: inout Step)
        -> Grant
    {
        leases[lease.token] = (id, spec)
        workers[lease.token] = lease.worker
        nodes[lease.worker]!.tokens.insert(lease.token)
        step.notes.append(.granted(run: id, spec, epoch: lease.epoch, worker: lease.worker, isCopy: isCopy))
        let start = runs[id]!.start
        return Grant(
            run: id, task: spec, epoch: lease.epoch, token: lease.token, attempt: start.attempt,
            documentPath: start.documentPath ?? "", snapshots: runs[id]!.snapshots,
            shard: runs[id]!.description(of: spec))
    }

    // MARK: Keeping

    private mutating func extend(
        _ tasks: [TaskProgress], holding: [String], of name: String, now: Instant, _ step: inout Step
    ) {
        var revoked: [Int64] = []
        for item in tasks {
            guard let (run, spec) = held(item.token, by: name) else {
                revoked.append(item.token)
                continue
            }
            let until = now + policy.leaseTime
            switch spec {
            case .plan:
                var lease = runs[run]!.planning.leases[0]
                // Durable before the node may count on it: whoever takes over next gives it a full term again.
                if lease.isInherited {
                    step.records.append(Record(run: run, record: .keptPlanning(epoch: lease.epoch)))
                }
                (lease.until, lease.isInherited) = (until, false)
                runs[run]!.planning.leases = [lease]
            case .hold: runs[run]!.holding?.until = until
            case .shard(let table, let index):
                guard let position = runs[run]!.position(of: spec),
                    runs[run]!.update(position, token: item.token, until: until, progress: item),
                    let lease = runs[run]!.shards[position].lease(item.token)
                else { continue }
                step.records.append(Record(run: run, record: .kept(table: table, shard: index, epoch: lease.epoch)))
            }
        }
        let letGo = holding.filter { id in
            guard let run = runs[id] else { return true }
            return run.phase == .publishing
                || (run.phase == .extracting && run.holders[name] == nil && run.holding?.worker != name)
        }
        for id in order {
            guard let holder = runs[id]!.holders[name] else { continue }
            if holding.contains(id) {
                runs[id]!.holders[name]!.silences = 0
            } else if now - holder.since > policy.leaseTime {
                // Twice in a row: an old heartbeat may have been on its way for long.
                runs[id]!.holders[name]!.silences += 1
                if runs[id]!.holders[name]!.silences >= 2 { loseHolder(name, of: id, &step) }
            }
        }
        step.reply = .alive(revoked: revoked, letGo: letGo, isDraining: isDraining)
    }

    /// The task whose lease has this token and worker; nil for everything late or foreign.
    private func held(_ token: Int64, by name: String) -> (run: String, spec: TaskSpec)? {
        guard workers[token] == name, let place = leases[token] else { return nil }
        return place
    }

    // MARK: Texts

    private func slice(of id: String, _ text: SharedText, from offset: Int, _ step: inout Step) {
        guard let run = runs[id] else {
            step.reply = .fenced
            return
        }
        let bytes = text == .document ? run.document : run.outlineBytes
        guard offset >= 0, offset <= bytes.count else {
            step.reply = .refused(reason: "no such offset")
            return
        }
        let end = min(bytes.count, offset + Limits.bytesPerFetchedSlice)
        step.reply = .slice(bytes: Base64.encode(bytes[offset..<end]), total: bytes.count)
    }

    private mutating func receive(
        _ text: String, of id: String, at offset: Int, total: Int, token: Int64, from name: String, _ step: inout Step
    ) {
        guard let (run, spec) = held(token, by: name), spec != .hold, run == id else { return fence(name, &step) }
        if let position = runs[id]!.position(of: spec) {
            let isTaken =
                Base64.decode(text).map {
                    runs[id]!.receive($0, at: offset, total: total, of: position, token: token)
                } ?? false
            step.reply = isTaken ? .accepted : .refused(reason: "a slice that does not fit")
            return
        }
        guard let bytes = Base64.decode(text), offset >= 0, offset <= runs[id]!.upload.count,
            total <= Limits.bytesPerPlan, offset + bytes.count <= total
        else {
            step.reply = .refused(reason: "a slice that does not fit")
            return
        }
        // A repeated slice overwrites itself.
        runs[id]!.upload.removeSubrange(offset...)
        runs[id]!.upload += bytes
        step.reply = .accepted
    }

    // MARK: Results

    private mutating func complete(
        _ result: TaskResult, of named: String, token: Int64, from name: String, now: Instant, _ step: inout Step
    ) {
        guard let (id, spec) = held(token, by: name) else {
            if isRepeated(result, of: named, from: name) { step.reply = .accepted } else { fence(name, &step) }
            return
        }
        step.reply = .accepted
        switch (result, spec) {
        case (.plan, .plan):
            guard let plan = codec.decode(runs[id]!.upload) else {
                // Pieces of it may have been another coordinator's: it is sent again.
                step.reply = .refused(reason: "an unreadable plan")
                return
            }
            if let fault = plan.fault {
                step.reply = .refused(reason: fault.shown(limit: Limits.charactersPerFailure))
                return fail(id, .unfit(fault), &step)
            }
            forget(token)
            adopt(plan, of: id, holder: name, now: now, &step)
        case (.held(let snapshots), .hold):
            guard runs[id]!.mayBeHeld(snapshots) else {
                step.reply = .refused(reason: "snapshots of other sources, or too many of them")
                return
            }
            forget(token)
            runs[id]!.holding = nil
            // The run was read meanwhile: the snapshots are let go.
            guard runs[id]!.phase == .extracting else { return fence(name, &step) }
            runs[id]!.holders[name] = RunSchedule.Holder(snapshots: snapshots, since: now)
            step.records.append(Record(run: id, record: .holding(worker: name, snapshots: snapshots)))
        case (.part(let receipt), .shard(let table, let index))
        where receipt.table == table && receipt.shard == index:
            accept(receipt, of: id, spec, token: token, now: now, &step)
        case (.uploaded(let named, let number, let sha256), .shard(let table, let index))
        where named == table && number == index:
            guard let position = runs[id]!.position(of: spec),
                let bytes = runs[id]!.shards[position].lease(token)?.upload, SHA256.hexadecimal(bytes) == sha256,
                let receipt = LongReceipt.receipt(of: bytes), receipt.table == table, receipt.shard == index
            else {
                step.reply = .refused(reason: "an unreadable receipt")
                return
            }
            accept(receipt, of: id, spec, token: token, now: now, &step)
        default:
            step.reply = .refused(reason: "a result of another task")
        }
    }

    /// The same result again: the first answer was lost, or took longer than its asker waited.
    private func isRepeated(_ result: TaskResult, of id: String, from name: String) -> Bool {
        guard let run = runs[id] else { return false }
        switch result {
        // Who holds the snapshots made the plan; without any it does not matter who did.
        case .plan: return run.plan != nil && (run.holders[name] != nil || !run.needsKeeper)
        case .held(let snapshots): return run.holders[name]?.snapshots == snapshots
        case .part(let receipt):
            let position = run.position(of: .shard(table: receipt.table, index: receipt.shard))
            return position.map { run.shards[$0].receipt == receipt } ?? false
        case .uploaded(let table, let index, let sha256):
            let position = run.position(of: .shard(table: table, index: index))
            let receipt = position.flatMap { run.shards[$0].receipt }
            return receipt.map { LongReceipt.digest(of: $0) == sha256 } ?? false
        }
    }

    private mutating func adopt(_ plan: RunPlan, of id: String, holder: String, now: Instant, _ step: inout Step) {
        runs[id]!.adopt(plan, outline: codec.encode(plan.outline))
        step.records.append(Record(run: id, record: .planned(plan)))
        if runs[id]!.needsKeeper {
            runs[id]!.holders[holder] = RunSchedule.Holder(snapshots: [], since: now)
            step.records.append(Record(run: id, record: .holding(worker: holder, snapshots: [])))
        }
        sealIfWhole(id, &step)
    }

    private mutating func accept(
        _ receipt: PartReceipt, of id: String, _ spec: TaskSpec, token: Int64, now: Instant, _ step: inout Step
    ) {
        guard let position = runs[id]!.position(of: spec), let lease = runs[id]!.shards[position].lease(token),
            receipt.epoch == lease.epoch
        else {
            step.reply = .refused(reason: "a receipt of another attempt")
            return
        }
        guard receipt.isSound, runs[id]!.table(of: spec).map({ receipt.fits($0) }) ?? false else {
            step.reply = .refused(reason: "the receipt's rows do not add up")
            fail(
                id,
                TaskFailure(
                    kind: .worker, disposition: .failRun,
                    message:
                        "\(spec.words): rows read are not published + dropped + suppressed + filtered, or no part has as many, or what it counts is not in the plan"
                ),
                &step)
            return
        }
        step.records.append(Record(run: id, record: .accepted(receipt)))
        step.notes.append(.accepted(run: id, spec, receipt.rows, seconds: (now - lease.since).inSeconds))
        for worthless in runs[id]!.accept(receipt, at: position, token: token, now: now) {
            connections[runs[id]!.sources[position], default: 0] -= 1
            forget(worthless)
        }
        sealIfWhole(id, &step)
    }

    private mutating func sealIfWhole(_ id: String, _ step: inout Step) {
        guard runs[id]!.isWhole else { return }
        if let failure = runs[id]!.dropFailure { return fail(id, failure, &step) }
        runs[id]!.phase = .publishing
        step.records.append(Record(run: id, record: .sealed))
        step.actions.append(.publish(run: id))
    }

    private mutating func attemptFailed(
        _ failure: TaskFailure, token: Int64, from name: String, now: Instant, _ step: inout Step
    ) {
        guard let (id, spec) = held(token, by: name) else { return fence(name, &step) }
        let failure = failure.ofNode
        step.reply = .accepted
        step.notes.append(.attemptFailed(run: id, spec, failure))
        forget(token)
        switch spec {
        case .plan:
            runs[id]!.planning.leases = []
            fail(id, failure, &step)
        // The first holder goes on alone; another keeper is asked.
        case .hold: runs[id]!.holding = nil
        case .shard(let table, let index):
            guard let position = runs[id]!.position(of: spec), let lease = runs[id]!.shards[position].lease(token)
            else { return }
            step.records.append(
                Record(run: id, record: .failed(table: table, shard: index, epoch: lease.epoch, failure: failure)))
            connections[runs[id]!.sources[position], default: 0] -= 1
            let failures = runs[id]!.shards[position].failures + 1
            let pause = Duration.milliseconds(min(200 << min(failures, 6), 10_000))
            runs[id]!.endLease(
                position, token: token, readyFrom: now + pause, countsAs: .failure,
                avoiding: failure.disposition == .retryElsewhere ? name : nil)
            if failure.disposition == .failRun || failures >= Limits.failuresPerShard { fail(id, failure, &step) }
        }
    }

    private mutating func release(_ token: Int64, from name: String, now: Instant, _ step: inout Step) {
        guard let (id, spec) = held(token, by: name) else { return fence(name, &step) }
        step.reply = .accepted
        forget(token)
        giveBack(id, spec, token: token, countsAsCrash: false, now: now, &step)
    }

    private func fence(_ name: String, _ step: inout Step) {
        step.reply = .fenced
        step.notes.append(.fenced(node: name))
    }

    // MARK: People

    private mutating func take(_ submission: Submission, now: Instant, _ step: inout Step) {
        switch submissions[submission.id] {
        case .opened(let run):
            step.reply = .submitted(run: run)
            return
        case .refused(let reason):
            step.reply = .refused(reason: reason)
            return
        case .opening:
            step.reply = .accepted
            return
        case .incomplete, nil: break
        }
        var bytes: [UInt8] = []
        if case .incomplete(let earlier, _)? = submissions[submission.id] { bytes = earlier }
        guard submissions[submission.id] != nil || hasRoom(for: submission) else {
            step.reply = .refused(reason: Submission.crowd)
            return
        }
        guard NodeName.isOne(submission.id), let piece = Base64.decode(submission.bytes), submission.offset >= 0,
            submission.offset <= bytes.count, submission.total <= Limits.bytesPerDocument,
            submission.offset + piece.count <= submission.total
        else {
            step.reply = .refused(reason: Submission.misfit)
            return
        }
        bytes.removeSubrange(submission.offset...)
        bytes += piece
        step.reply = .accepted
        guard bytes.count == submission.total else { return carryOn(submission.id, .incomplete(bytes, since: now)) }
        carryOn(submission.id, .opening)
        step.actions.append(
            .open(
                id: submission.id, documentPath: submission.documentPath.shown(limit: 1000), document: bytes,
                restarts: submission.restartsOnSnapshotLoss))
    }

    private func hasRoom(for submission: Submission) -> Bool {
        let onTheirWay = submissions.values.count { $0.isOnItsWay }
        let bytes = runs.values.reduce(0) { $0 + $1.document.count }
        return onTheirWay < Limits.submissionsAtOnce && runs.count + onTheirWay < Limits.openRuns
            && bytes + (onTheirWay + 1) * Limits.bytesPerDocument <= Limits.bytesOfOpenDocuments
    }

    private mutating func cancel(_ id: String, _ step: inout Step) {
        guard let run = runs[id] else {
            step.reply = .refused(reason: "no such run is open")
            return
        }
        guard run.phase != .publishing else {
            step.reply = .refused(reason: "the run is being published; it cannot be taken back now")
            return
        }
        step.reply = .accepted
        fail(id, TaskFailure(kind: .worker, disposition: .failRun, message: "cancelled by the operator"), &step)
    }

    package func status(of run: String?, now: Instant) -> ClusterStatus {
        let open = order.compactMap { runs[$0]?.status }
        let all = open + ended.reversed()
        let names = nodes.keys.sorted()
        return ClusterStatus(
            epoch: epoch, build: ProductVersion.text,
            runs: run.map { wanted in all.filter { $0.run == wanted } } ?? Array(all.prefix(Limits.runsPerStatus)),
            nodes: names.prefix(Limits.nodesPerStatus).map { name in
                let node = nodes[name]!
                return ClusterStatus.Node(
                    name: name, host: node.host, slots: node.slots ?? 0, tasks: node.tokens.count,
                    silentMilliseconds: (now - node.lastHeard).inMilliseconds)
            }, nodeCount: nodes.count
        ).fittingAMessage
    }
}
