namespace PyResolve.Server.Accounts;

/// <summary>The network, and in it the account, that a password waits for.</summary>
internal readonly record struct QueueShare(string Network, string Account);

/// <summary>
/// A bounded queue that nobody can fill for others. Turns go round the networks, and within a network round its accounts. When it is full,
/// a new request takes the place of the last one of the network, or account, that has most places, if that has more than its own.
/// Thread-safe.
/// </summary>
internal sealed class PasswordQueue(int turns, int maxWaiting)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Line> _byNetwork = new(StringComparer.Ordinal);
    private readonly LinkedList<Line> _order = new();
    private int _free = turns;
    private int _waiting;

    /// <returns>A turn, which ends when it is disposed; null where too many wait already.</returns>
    public async Task<IDisposable?> EnterAsync(QueueShare share, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(share);
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return new Turn(this);
            }

            if (_waiting >= maxWaiting && !TryMakeRoom(share))
                return null;
            LineOf(share.Network).Add(waiter);
            _waiting++;
        }

        await using var cancellation = cancellationToken.Register(() => Cancel(waiter, cancellationToken));
        return await waiter.Task;
    }

    private Line LineOf(string network)
    {
        if (_byNetwork.TryGetValue(network, out var line))
            return line;
        line = new Line(network);
        _byNetwork.Add(network, line);
        line.Node = _order.AddLast(line);
        return line;
    }

    private bool TryMakeRoom(QueueShare share)
    {
        var longest = _order.MaxBy(static line => line.Count)!;
        var own = _byNetwork.GetValueOrDefault(share.Network);
        // As many in both: the network is the one with most places itself.
        var from = longest.Count > (own?.Count ?? 0) + 1 ? longest : own;
        if (from is null || from.LastOfLongest(from == own ? share.Account : null) is not { } last)
            return false;
        Remove(last);
        last.Complete(turn: null);
        return true;
    }

    private void Cancel(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!waiter.IsWaiting)
                return;
            Remove(waiter);
            waiter.Cancel(cancellationToken);
        }
    }

    private void Remove(Waiter waiter)
    {
        var line = _byNetwork[waiter.Share.Network];
        line.Remove(waiter);
        DropIfEmpty(line);
        _waiting--;
    }

    private void Release()
    {
        lock (_gate)
        {
            if (_order.First is not { Value: var line })
            {
                _free++;
                return;
            }

            var next = line.TakeNext();
            _waiting--;
            _order.Remove(line.Node!);
            line.Node = _order.AddLast(line);
            DropIfEmpty(line);
            next.Complete(new Turn(this));
        }
    }

    private void DropIfEmpty(Line line)
    {
        if (line.Count > 0)
            return;
        _order.Remove(line.Node!);
        _byNetwork.Remove(line.Network);
    }

    private sealed class Waiter(QueueShare share)
    {
        private readonly TaskCompletionSource<IDisposable?> _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public QueueShare Share => share;

        public Task<IDisposable?> Task => _turn.Task;

        public bool IsWaiting => !_turn.Task.IsCompleted;

        public void Complete(IDisposable? turn) => _turn.TrySetResult(turn);

        public void Cancel(CancellationToken cancellationToken) => _turn.TrySetCanceled(cancellationToken);
    }

    /// <summary>The waiting logins of one network, grouped by account.</summary>
    private sealed class Line(string network)
    {
        private readonly Dictionary<string, LinkedList<Waiter>> _byAccount = new(StringComparer.Ordinal);
        private readonly LinkedList<string> _accounts = new();

        public string Network => network;

        public int Count { get; private set; }

        public LinkedListNode<Line>? Node { get; set; }

        public void Add(Waiter waiter)
        {
            if (!_byAccount.TryGetValue(waiter.Share.Account, out var waiters))
            {
                _byAccount.Add(waiter.Share.Account, waiters = new LinkedList<Waiter>());
                _accounts.AddLast(waiter.Share.Account);
            }

            waiters.AddLast(waiter);
            Count++;
        }

        public void Remove(Waiter waiter)
        {
            var waiters = _byAccount[waiter.Share.Account];
            waiters.Remove(waiter);
            Count--;
            if (waiters.Count == 0)
            {
                _byAccount.Remove(waiter.Share.Account);
                _accounts.Remove(waiter.Share.Account);
            }
        }

        public Waiter TakeNext()
        {
            var account = _accounts.First!.Value;
            var next = _byAccount[account].First!.Value;
            _accounts.RemoveFirst();
            _accounts.AddLast(account);
            Remove(next);
            return next;
        }

        /// <returns>null where <paramref name="account"/> would have as many places as any other.</returns>
        public Waiter? LastOfLongest(string? account)
        {
            var own = account is not null && _byAccount.TryGetValue(account, out var waiters) ? waiters.Count : 0;
            var longest = _byAccount.Values.MaxBy(static list => list.Count);
            return longest is not null && (account is null || longest.Count > own + 1) ? longest.Last!.Value : null;
        }
    }

    private sealed class Turn(PasswordQueue queue) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
                queue.Release();
        }
    }
}
