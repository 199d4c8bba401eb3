using PyResolve.Server.Accounts;

namespace PyResolve.Server.Tests.Accounts;

public sealed class PasswordQueueTests(SharedServers servers)
{
    private static readonly QueueShare Attacker = new("198.51.100.9", "attacker");
    private static readonly QueueShare Victim = new("203.0.113.1", "victim");

    [Theory, OnBothEngines]
    public async Task Three_hundred_connections_with_a_right_password_do_not_keep_others_from_logging_in_or_signing_up(StorageEngine engine)
    {
        // As slow as in production on a fast machine, so that the queue stays full.
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:PasswordIterations"] = "60000" });
        var (attacker, victim) = (await own.SignUpAsync(), await own.SignUpAsync());
        using var stopped = new CancellationTokenSource();
        var refused = 0;
        var flood = Enumerable.Range(0, 300).Select(_ => Task.Run(async () =>
        {
            while (!stopped.IsCancellationRequested)
            {
                if ((await own.Server.LogInAsync(attacker.Email)).Status != 503)
                    continue;
                Interlocked.Increment(ref refused);
                // The queue is full: the flood need not take the CPU time of the tests beside it.
                await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            }
        })).ToList();
        var statuses = new List<int>();
        try
        {
            await Eventually.IsTrueAsync(
                () => Volatile.Read(ref refused) > 0, cancellationToken: TestContext.Current.CancellationToken);
            for (var i = 0; i < 6; i++)
            {
                statuses.Add((await own.Server.LogInAsync(victim.Email)).Status);
                statuses.Add((await own.Server.Anonymous.PostAsync(
                    "/auth/signup", new { email = $"new{i}@example.com", password = TestAccount.Password })).Status);
            }
        }
        finally
        {
            await stopped.CancelAsync();
            await Task.WhenAll(flood);
        }

        statuses.ShouldBe(Enumerable.Repeat(new[] { 200, 201 }, 6).SelectMany(pair => pair));
    }

    [Fact]
    public async Task Who_fills_the_queue_does_not_make_others_wait_longer_than_a_turn()
    {
        var queue = new PasswordQueue(turns: 1, maxWaiting: 8);
        var held = await EnterAsync(queue, Attacker);
        var waiting = Enumerable.Range(0, 8).Select(_ => EnterAsync(queue, Attacker)).ToList();
        (await EnterAsync(queue, Attacker)).ShouldBeNull();

        var victim = EnterAsync(queue, Victim);
        held!.Dispose();
        using (await waiting[0])
            victim.IsCompleted.ShouldBeFalse();

        (await victim.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).ShouldNotBeNull().Dispose();
        (await waiting[7]).ShouldBeNull();
        foreach (var turn in waiting[1..7])
            (await turn).ShouldNotBeNull().Dispose();
    }

    [Fact]
    public async Task Many_accounts_of_one_network_do_not_take_the_places_of_another_network()
    {
        var queue = new PasswordQueue(turns: 1, maxWaiting: 8);
        var held = await EnterAsync(queue, Attacker);
        var waiting = Enumerable.Range(0, 8).Select(i => EnterAsync(queue, Attacker with { Account = $"own {i}" })).ToList();
        (await EnterAsync(queue, Attacker with { Account = "own 9" })).ShouldBeNull();

        var victims = Enumerable.Range(0, 4).Select(i => EnterAsync(queue, Victim with { Account = $"victim {i}" })).ToList();
        held!.Dispose();

        await Eventually.IsTrueAsync(
            () => waiting.Count(turn => turn.IsCompletedSuccessfully && turn.Result is null) == 4,
            cancellationToken: TestContext.Current.CancellationToken);
        var order = new List<string>();
        var all = waiting.Select(turn => ("attacker", turn)).Concat(victims.Select(turn => ("victim", turn))).ToList();
        for (var i = 0; i < 8; i++)
        {
            var (who, next) = await NextAsync(all);
            order.Add(who);
            next.Dispose();
        }

        order.ShouldBe(["attacker", "victim", "attacker", "victim", "attacker", "victim", "attacker", "victim"]);
    }

    [Fact]
    public async Task A_request_that_gave_up_does_not_keep_its_place_or_take_a_turn()
    {
        var queue = new PasswordQueue(turns: 1, maxWaiting: 1);
        var held = await EnterAsync(queue, Attacker);
        using var cancellation = new CancellationTokenSource();
        var gone = queue.EnterAsync(Victim, cancellation.Token);

        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => gone);
        var next = EnterAsync(queue, Victim);
        held!.Dispose();
        (await next).ShouldNotBeNull().Dispose();
        (await EnterAsync(queue, Attacker)).ShouldNotBeNull();
    }

    private static Task<IDisposable?> EnterAsync(PasswordQueue queue, QueueShare share) =>
        queue.EnterAsync(share, TestContext.Current.CancellationToken);

    private static async Task<(string Who, IDisposable Turn)> NextAsync(List<(string Who, Task<IDisposable?> Turn)> all)
    {
        while (true)
        {
            var done = await Task.WhenAny(all.Select(entry => entry.Turn));
            var index = all.FindIndex(entry => entry.Turn == done);
            var who = all[index].Who;
            all.RemoveAt(index);
            if (await done is { } turn)
                return (who, turn);
        }
    }
}
