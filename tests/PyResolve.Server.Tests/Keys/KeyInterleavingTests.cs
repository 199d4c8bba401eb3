using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Audit;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Keys;

/// <summary>
/// Verifications race with revocations, rotations, expiries and evictions on two instances that remember two keys each. Afterwards the
/// record is searched for an ended key that was accepted: one that an instance knew to have ended before the verification began there.
/// </summary>
[Trait("Category", "Proof")]
public sealed class KeyInterleavingTests(SharedServers servers)
{
    private const int Keys = 4;
    private const int Workers = 6;

    [Theory, OnBothEngines]
    public async Task No_interleaving_accepts_a_revoked_or_expired_key(StorageEngine engine)
    {
        var runs = Scale.Pick(4, 40);
        var verifications = 0;
        for (var seed = 0; seed < runs; seed++)
            verifications += await RunAsync(engine, seed);
        Proofs.Report("Dead keys", $"{engine}: {runs} random interleavings, {verifications} verifications, no dead key accepted");
    }

    private async Task<int> RunAsync(StorageEngine engine, int seed)
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:RememberedKeys"] = "2" };
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store, settings);
        await using var second = await TestServer.StartAsync(store, settings, first.Clock);
        var account = await TestAccount.SignUpAsync(first.Http);
        var history = new History();
        var instances = new[] { new Instance(first), new Instance(second) };
        var alive = new ConcurrentDictionary<string, Guid>();
        foreach (var created in await Task.WhenAll(Enumerable.Range(0, Keys).Select(_ => instances[0].CreateAsync(account.UserId))))
            alive[created.ApiKey] = created.Id;

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(() => WorkAsync(new Random((seed * 100) + worker)))));

        history.DeadKeysAccepted().ShouldBeEmpty($"seed {seed}");
        history.Acceptances.ShouldBeGreaterThan(0);
        return history.Verifications;

        async Task WorkAsync(Random random)
        {
            for (var step = 0; step < Scale.Pick(60, 150); step++)
            {
                var at = random.Next(instances.Length);
                var (key, id) = alive.ElementAt(random.Next(alive.Count));
                switch (random.Next(20))
                {
                    case 0:
                        await history.DieAsync(key, at, () => instances[at].RevokeAsync(account.UserId, id));
                        break;
                    case 1:
                        // Refused for a key that another rotation has replaced and that is in its grace period.
                        var successor = await history.DieAsync(
                            key, at, () => instances[at].RotateAsync(account.UserId, id), hasDied: created => created is not null);
                        if (successor is not null)
                            alive[successor.ApiKey] = successor.Id;
                        break;
                    case 2:
                        await history.DieAsync(
                            key,
                            at,
                            () => TypeAsync(store, $"update api_keys set revoked_at = created_at where id = '{id}'"),
                            isKnownAtOnce: false);
                        break;
                    case 3:
                        await history.PollAsync(at, () => instances[at].PollAsync());
                        break;
                    case 5:
                        // Lets a key expire in ten seconds and waits: from then on every instance must compare the time.
                        await history.DieAsync(key, at, async () =>
                        {
                            var outcome = await instances[at].EndInAsync(account.UserId, id, TimeSpan.FromSeconds(10));
                            first.Clock.Advance(TimeSpan.FromSeconds(11));
                            return outcome;
                        }, hasDied: outcome => outcome is RotateOutcome.Rotated);
                        break;
                    case 4 when alive.Count < 12:
                        var created = await instances[at].CreateAsync(account.UserId);
                        alive[created.ApiKey] = created.Id;
                        break;
                    default:
                        await history.VerifyAsync(key, at, () => instances[at].IsAcceptedAsync(key));
                        break;
                }
            }
        }
    }

    private static async Task<bool> TypeAsync(TestStore store, string sql)
    {
        await store.ExecuteSqlAsync(sql);
        return true;
    }

    private sealed class Instance(TestServer server)
    {
        private readonly ApiKeys _keys = server.Services.GetRequiredService<ApiKeys>();
        private readonly ApiKeyVerifier _verifier = server.Services.GetRequiredService<ApiKeyVerifier>();
        private readonly KeyEpochPoller _poller = server.Services.GetRequiredService<KeyEpochPoller>();

        public async Task<Client.Wire.CreatedApiKey> CreateAsync(Guid userId) =>
            (await _keys.CreateAsync(
                new Access.Caller(userId, "", null), new NewApiKey("test", Client.Wire.Scopes.All, null, null), Origin.Operator, default))
            .Value!;

        public Task<bool> RevokeAsync(Guid userId, Guid id) => _keys.RevokeAsync(userId, id, Origin.Operator, default);

        public async Task<Client.Wire.CreatedApiKey?> RotateAsync(Guid userId, Guid id)
        {
            var caller = new Access.Caller(userId, "", null);
            var outcome = await _keys.RotateAsync(caller, id, TimeSpan.Zero, Origin.Operator, default);
            return (outcome as RotateOutcome.Rotated)?.Key;
        }

        public Task<RotateOutcome> EndInAsync(Guid userId, Guid id, TimeSpan grace) =>
            _keys.RotateAsync(new Access.Caller(userId, "", null), id, grace, Origin.Operator, default);

        public Task PollAsync() => _poller.PollAsync(default);

        public async Task<bool> IsAcceptedAsync(string key) => (await _verifier.CheckAsync(key, null, default)).Key is not null;
    }

    /// <summary>The begin and the end of each operation, by one clock.</summary>
    private sealed class History
    {
        private readonly ConcurrentBag<(string Key, int At, long EndedAt, bool IsKnownAtOnce)> _deaths = [];
        private readonly ConcurrentBag<(int At, long BeganAt, long EndedAt)> _polls = [];
        private readonly ConcurrentBag<(string Key, int At, long BeganAt)> _accepted = [];
        private int _verifications;

        public int Verifications => _verifications;

        public int Acceptances => _accepted.Count;

        public async Task<T> DieAsync<T>(string key, int at, Func<Task<T>> kill, bool isKnownAtOnce = true, Func<T, bool>? hasDied = null)
        {
            var result = await kill();
            if (hasDied is null || hasDied(result))
                _deaths.Add((key, at, Stopwatch.GetTimestamp(), isKnownAtOnce));
            return result;
        }

        public async Task PollAsync(int at, Func<Task> poll)
        {
            var beganAt = Stopwatch.GetTimestamp();
            await poll();
            _polls.Add((at, beganAt, Stopwatch.GetTimestamp()));
        }

        public async Task VerifyAsync(string key, int at, Func<Task<bool>> verify)
        {
            var beganAt = Stopwatch.GetTimestamp();
            if (await verify())
                _accepted.Add((key, at, beganAt));
            Interlocked.Increment(ref _verifications);
        }

        /// <summary>Accepted although the instance knew: it ended the key itself, or had polled since, or a second had passed.</summary>
        public List<string> DeadKeysAccepted() =>
        [
            .. from accepted in _accepted
               from death in _deaths
               where death.Key == accepted.Key && death.EndedAt < accepted.BeganAt
               let killedHere = death.At == accepted.At && death.IsKnownAtOnce
               let polledSince = _polls.Any(
                   poll => poll.At == accepted.At && poll.BeganAt > death.EndedAt && poll.EndedAt < accepted.BeganAt)
               let isPastBound = Stopwatch.GetElapsedTime(death.EndedAt, accepted.BeganAt) > TimeSpan.FromSeconds(1)
               where killedHere || polledSince || isPastBound
               select $"{accepted.Key[..20]} at instance {accepted.At}",
        ];
    }
}
