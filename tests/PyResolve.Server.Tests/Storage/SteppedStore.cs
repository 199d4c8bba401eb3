using System.Collections.Concurrent;
using System.Threading.Channels;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>A group commit into a list, whose flushes wait until the test lets them through.</summary>
internal sealed class SteppedStore : IAsyncDisposable
{
    private readonly Channel<Step> _steps = Channel.CreateUnbounded<Step>();
    private readonly GroupCommit<int, string> _commit;
    private volatile bool _commitsAll;

    public SteppedStore(GroupLimits? limits = null, Func<Guid, ValueTask<long>>? findShard = null, TimeSpan? timeout = null) =>
        _commit = new(
            limits ?? new GroupLimits(1_000, 1_000, 1_000, 1_000),
            FlushAsync,
            Refuse,
            findShard is null ? null : (account, _) => findShard(account),
            timeout);

    /// <summary>Items that make their transaction fail.</summary>
    public HashSet<int> Poison { get; init; } = [];

    public bool RefusalFails { get; init; }

    /// <summary>Every group whose flush began.</summary>
    public ConcurrentQueue<int[]> Flushed { get; } = [];

    public ConcurrentQueue<int> Stored { get; } = [];

    public Task<string[]> SubmitAsync(Guid account, int item) => SubmitAsync(account, [item], bytes: 1);

    public Task<string[]> SubmitAsync(Guid account, int[] items, long bytes) =>
        _commit.SubmitAsync(account, items, bytes, CancellationToken.None);

    /// <summary>Submits an item for a caller that may cancel.</summary>
    public Task<string[]> SubmitUntilAsync(Guid account, int item, CancellationToken leaving) =>
        _commit.SubmitAsync(account, [item], bytes: 1, leaving);

    /// <summary>The next flush that waits.</summary>
    public async Task<Step> NextAsync() => await _steps.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Lets through all waiting and later flushes.</summary>
    public void CommitAll()
    {
        _commitsAll = true;
        while (_steps.Reader.TryRead(out var step))
            step.Commit();
    }

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    private async Task<IReadOnlyList<string>> FlushAsync(IReadOnlyList<int> items)
    {
        Flushed.Enqueue([.. items]);
        var step = new Step();
        _steps.Writer.TryWrite(step);
        if (_commitsAll)
            CommitAll();
        await step.Passed;
        if (items.Any(Poison.Contains))
            throw new InvalidOperationException("poison");
        foreach (var item in items)
            Stored.Enqueue(item);
        return [.. items.Select(item => $"stored {item}")];
    }

    private string Refuse(int item, Exception exception) => RefusalFails ? throw exception : $"refused {item}";

    internal sealed class Step
    {
        private readonly TaskCompletionSource _passed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Passed => _passed.Task;

        public void Commit() => _passed.TrySetResult();

        public void Fail(Exception exception) => _passed.TrySetException(exception);
    }
}
