using System.Data.Common;
using System.Diagnostics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class GroupCommitTests
{
    private static readonly Guid Ada = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-000000000001");
    private static readonly Guid Bob = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-000000000002");
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Items_queued_during_a_flush_are_flushed_together()
    {
        await using var store = new SteppedStore();
        var first = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();

        var others = Enumerable.Range(2, 5).Select(item => store.SubmitAsync(item % 2 == 0 ? Ada : Bob, item)).ToList();
        first.IsCompleted.ShouldBeFalse();
        step.Commit();
        (await store.NextAsync()).Commit();

        (await first).ShouldBe(["stored 1"]);
        (await Task.WhenAll(others)).SelectMany(results => results).ShouldBe(["stored 2", "stored 3", "stored 4", "stored 5", "stored 6"]);
        store.Flushed.Count.ShouldBe(2);
    }

    [Fact]
    public async Task No_account_takes_more_than_a_quarter_of_the_queue()
    {
        await using var store = new SteppedStore(new GroupLimits(QueueItems: 8, QueueBytes: 1_000, GroupItems: 100, GroupBytes: 1_000));
        var running = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();
        var waiting = store.SubmitAsync(Ada, 2);

        await Should.ThrowAsync<OverloadedException>(() => store.SubmitAsync(Ada, 3));
        var other = store.SubmitAsync(Bob, 4);

        step.Commit();
        await running;
        var again = store.SubmitAsync(Ada, 5);
        store.CommitAll();
        await Task.WhenAll(waiting, other, again);
        store.Stored.Order().ShouldBe([1, 2, 4, 5]);
    }

    [Fact]
    public async Task The_queue_is_limited_by_items_and_by_bytes()
    {
        await using var store = new SteppedStore(new GroupLimits(QueueItems: 8, QueueBytes: 1_000, GroupItems: 100, GroupBytes: 1_000));
        Guid[] accounts = [.. Enumerable.Range(0, 5).Select(_ => Ids.Create(TimeProvider.System.GetUtcNow()))];
        var taken = accounts.Take(4).Select(account => store.SubmitAsync(account, [1, 2], bytes: 20)).ToList();
        await Should.ThrowAsync<OverloadedException>(() => store.SubmitAsync(accounts[4], 3));
        store.CommitAll();
        await Task.WhenAll(taken);

        await Should.ThrowAsync<OverloadedException>(() => store.SubmitAsync(Ada, [9], bytes: 251));
        await store.SubmitAsync(Ada, [4], bytes: 250);

        store.Stored.ShouldNotContain(9);
    }

    [Fact]
    public async Task Accounts_take_turns_so_that_a_busy_one_does_not_delay_others()
    {
        await using var store = new SteppedStore(new GroupLimits(QueueItems: 100, QueueBytes: 1_000, GroupItems: 2, GroupBytes: 1_000));
        var first = store.SubmitAsync(Ada, 0);
        var step = await store.NextAsync();
        var busy = Enumerable.Range(1, 5).Select(item => store.SubmitAsync(Ada, item)).ToList();
        var other = store.SubmitAsync(Bob, 10);

        step.Commit();
        store.CommitAll();
        await Task.WhenAll([first, .. busy, other]);

        store.Flushed.ShouldBe([[0], [1, 10], [2, 3], [4, 5]]);
    }

    [Fact]
    public async Task A_submission_is_never_split_even_if_it_is_larger_than_a_group()
    {
        await using var store = new SteppedStore(new GroupLimits(QueueItems: 100, QueueBytes: 1_000, GroupItems: 2, GroupBytes: 1_000));
        store.CommitAll();

        (await store.SubmitAsync(Ada, [1, 2, 3], bytes: 3)).ShouldBe(["stored 1", "stored 2", "stored 3"]);

        store.Flushed.ShouldBe([[1, 2, 3]]);
    }

    [Fact]
    public async Task A_cancelled_caller_stops_waiting_and_its_items_are_still_stored()
    {
        await using var store = new SteppedStore();
        using var leaving = new CancellationTokenSource();
        var running = store.SubmitUntilAsync(Ada, 1, leaving.Token);
        var step = await store.NextAsync();
        var queued = store.SubmitUntilAsync(Ada, 2, leaving.Token);
        var staying = store.SubmitAsync(Bob, 3);

        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => running);
        await Should.ThrowAsync<OperationCanceledException>(() => queued);
        step.Commit();
        store.CommitAll();

        await staying;
        store.Stored.Order().ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_store_failure_fails_its_group_and_not_the_next_one()
    {
        await using var store = new SteppedStore();
        var lost = store.SubmitAsync(Ada, 1);
        (await store.NextAsync()).Fail(new StoreUnavailableException("Down.", new OutageException()));
        await Should.ThrowAsync<StoreUnavailableException>(() => lost);

        store.CommitAll();

        (await store.SubmitAsync(Ada, 2)).ShouldBe(["stored 2"]);
        store.Stored.ShouldBe([2]);
    }

    [Fact]
    public async Task An_item_whose_flush_takes_too_long_fails_in_time_and_may_be_stored_all_the_same()
    {
        await using var store = new SteppedStore(timeout: TimeSpan.FromSeconds(1));
        var late = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();

        await Should.ThrowAsync<StoreUnavailableException>(() => late.WaitAsync(Soon, Cancellation));
        var next = store.SubmitAsync(Ada, 2);
        step.Commit();
        store.CommitAll();

        (await next).ShouldBe(["stored 2"]);
        store.Stored.ShouldBe([1, 2]);
    }

    [Fact]
    public async Task An_item_that_waits_too_long_for_a_flush_fails_in_time_and_is_not_stored()
    {
        await using var store = new SteppedStore(
            new GroupLimits(QueueItems: 8, QueueBytes: 1_000, GroupItems: 100, GroupBytes: 1_000), timeout: TimeSpan.FromSeconds(2));
        var running = store.SubmitAsync(Ada, 0);
        var step = await store.NextAsync();
        var early = new[] { store.SubmitAsync(Ada, 1), store.SubmitAsync(Bob, 2), store.SubmitAsync(Bob, 3) };

        foreach (var late in early)
            await Should.ThrowAsync<StoreUnavailableException>(() => late.WaitAsync(Soon, Cancellation));
        // Their places in the queue are free, and their accounts' turns are not lost.
        var after = new[] { store.SubmitAsync(Bob, 4), store.SubmitAsync(Bob, 5), store.SubmitAsync(Ada, 6) };
        step.Commit();
        store.CommitAll();
        await Task.WhenAll(after);

        running.IsFaulted.ShouldBeTrue();
        store.Flushed.ShouldBe([[0], [4, 6, 5]]);
    }

    [Fact]
    public async Task An_item_that_has_waited_for_a_slow_flush_waits_only_the_rest_for_its_own()
    {
        await using var store = new SteppedStore(timeout: TimeSpan.FromSeconds(2));
        var running = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();
        var queuedAt = Stopwatch.GetTimestamp();
        var queued = store.SubmitAsync(Ada, 2);

        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        step.Commit();
        await running;
        var second = await store.NextAsync();

        await Should.ThrowAsync<StoreUnavailableException>(() => queued.WaitAsync(Soon, Cancellation));
        Stopwatch.GetElapsedTime(queuedAt).ShouldBeInRange(TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(2.9));
        second.Commit();
    }

    [Fact]
    public async Task An_item_that_the_store_refuses_fails_alone()
    {
        await using var store = new SteppedStore { Poison = [5, 12] };
        var first = store.SubmitAsync(Bob, 0);
        var step = await store.NextAsync();
        var batch = store.SubmitAsync(Ada, [.. Enumerable.Range(1, 8)], bytes: 8);
        var singles = Enumerable.Range(10, 5).Select(item => store.SubmitAsync(Bob, item)).ToList();

        step.Commit();
        store.CommitAll();

        (await first).ShouldBe(["stored 0"]);
        (await batch).ShouldBe(["stored 1", "stored 2", "stored 3", "stored 4", "refused 5", "stored 6", "stored 7", "stored 8"]);
        (await Task.WhenAll(singles)).SelectMany(results => results)
            .ShouldBe(["stored 10", "stored 11", "refused 12", "stored 13", "stored 14"]);
        store.Stored.ShouldBeUnique();
    }

    [Fact]
    public async Task An_exception_fails_its_submission_alone()
    {
        await using var store = new SteppedStore { Poison = [5], RefusalFails = true };
        var first = store.SubmitAsync(Bob, 0);
        var step = await store.NextAsync();
        var failing = store.SubmitAsync(Ada, [4, 5], bytes: 2);
        var other = store.SubmitAsync(Bob, 6);

        step.Commit();
        store.CommitAll();

        await first;
        (await Should.ThrowAsync<InvalidOperationException>(() => failing)).Message.ShouldBe("poison");
        (await other).ShouldBe(["stored 6"]);
    }

    [Fact]
    public async Task On_shutdown_accepted_items_are_stored_and_new_ones_are_refused()
    {
        var store = new SteppedStore();
        var running = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();
        var queued = store.SubmitAsync(Bob, 2);

        var closing = store.DisposeAsync().AsTask();
        await Should.ThrowAsync<OverloadedException>(() => store.SubmitAsync(Ada, 3));
        closing.IsCompleted.ShouldBeFalse();
        step.Commit();
        store.CommitAll();
        await closing;

        (await Task.WhenAll(running, queued)).SelectMany(results => results).ShouldBe(["stored 1", "stored 2"]);
        store.Stored.ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Accounts_of_another_shard_do_not_wait_for_one_that_hangs()
    {
        await using var store = new SteppedStore(findShard: static async account =>
        {
            await Task.Yield();
            return account == Ada ? 1 : 2;
        });
        var hanging = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();

        var other = store.SubmitAsync(Bob, 2);
        (await store.NextAsync()).Commit();

        (await other).ShouldBe(["stored 2"]);
        hanging.IsCompleted.ShouldBeFalse();
        step.Fail(new StoreUnavailableException("Down.", new OutageException()));
        await Should.ThrowAsync<StoreUnavailableException>(() => hanging);
        store.Flushed.ShouldBe([[1], [2]]);
    }

    [Fact]
    public async Task Accounts_of_one_shard_are_flushed_together()
    {
        await using var store = new SteppedStore(findShard: static _ => new(1));
        var first = store.SubmitAsync(Ada, 1);
        var step = await store.NextAsync();
        var others = new[] { store.SubmitAsync(Ada, 2), store.SubmitAsync(Bob, 3) };

        step.Commit();
        store.CommitAll();
        await Task.WhenAll([first, .. others]);

        store.Flushed.ShouldBe([[1], [2, 3]]);
    }

    [Fact]
    public async Task On_shutdown_the_items_of_each_shard_are_stored()
    {
        var store = new SteppedStore(findShard: static account => new(account == Ada ? 1 : 2));
        var submitted = new[] { store.SubmitAsync(Ada, 1), store.SubmitAsync(Bob, 2) };
        var (one, other) = (await store.NextAsync(), await store.NextAsync());

        var closing = store.DisposeAsync().AsTask();
        one.Commit();
        await Task.WhenAny(submitted);
        closing.IsCompleted.ShouldBeFalse();
        other.Commit();
        await closing;

        await Task.WhenAll(submitted);
        store.Stored.Order().ShouldBe([1, 2]);
    }

    private sealed class OutageException : DbException;
}
