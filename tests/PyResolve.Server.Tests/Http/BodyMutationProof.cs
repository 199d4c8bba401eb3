using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;

namespace PyResolve.Server.Tests.Http;

/// <summary>
/// Valid bodies with random damage, and random bytes, are never answered with a 5xx, nothing hangs, and the server's memory does not grow.
/// A failure names the seed.
/// </summary>
[Trait("Category", "Proof")]
public sealed class BodyMutationProof(SharedServers servers)
{
    /// <summary>A reservation is used only once, so later bodies need a new one.</summary>
    private const int BodiesPerReservation = 5;

    /// <summary>The number of bodies that one client sends to one route, from its own seed.</summary>
    private const int BodiesAClient = 120;

    private const int Clients = 32;

    private static readonly string[] Splices =
    [
        "\0",
        "\\u0000",
        "\\ud800",
        "\\udc00\\ud800",
        "\u00ff",
        "1e999",
        "-0",
        "-1",
        "9223372036854775808",
        "1.0",
        "null",
        "[]",
        "{}",
        "[[",
        "\"\"",
        "\"",
        "\\",
        ",",
        ":",
        "\"x\":1,",
        "true",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "2026-11-15T12:00:00+14:00",
        "00000000-0000-0000-0000-000000000000",
        "\uFEFF",
        "\U0001F600",
    ];

    [Theory, OnBothEngines]
    public async Task No_damaged_body_is_answered_with_a_5xx(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(store.Settings)
            {
                ["PyResolve__PasswordIterations"] = "1000",
                ["PyResolve__SignUpsPerHour"] = "1000000",
                ["PyResolve__LogInFailuresPerAddress"] = "1000000",
            },
            TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        // Bodies that pass the checks must reach the ledger: neither the plan's limit nor a settled reservation may prevent that.
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var routes = await Task.WhenAll(
            BodyRoute.All.Values.Select(async route => (Route: route, Address: await route.AddressAsync(account))));
        var answers = new ConcurrentDictionary<int, int>();
        var bodies = BodiesAClient * Scale.Pick(1, 834);

        // In the first round, code and pools grow to their full size.
        await SendToAllAsync(Math.Min(bodies, 5_000), seed: 20_261_115);
        var before = ResidentBytes(server);
        await SendToAllAsync(bodies, seed: 40_261_116);
        var after = ResidentBytes(server);

        after.ShouldBeLessThan((before * 3 / 2) + (64 << 20));
        answers.Keys.ShouldContain(400);
        answers.Keys.ShouldContain(422);
        (await store.ReadNumberAsync("select count(distinct once_key) from reservations")).ShouldBeGreaterThan(bodies / 20);
        (await store.ReadNumberAsync("select count(*) from reservations where state = 'committed'")).ShouldBeGreaterThan(bodies / 40);
        Proofs.Report(
            "Damaged bodies",
            $"{engine}: {answers.Values.Sum():N0} bodies over {routes.Length} routes, no 5xx "
                + $"({string.Join(", ", answers.OrderBy(count => count.Key).Select(count => $"{count.Value:N0} × {count.Key}"))}); the "
                + $"server's resident memory went from {before >> 20:N0} to {after >> 20:N0} MiB.");

        Task SendToAllAsync(int count, int seed) => Parallel.ForEachAsync(
            from first in Enumerable.Range(0, count / BodiesAClient).Select(static client => client * BodiesAClient)
            from target in routes.Select((target, index) => (target.Route, target.Address, Seed: seed + first + (index * count)))
            select target,
            new ParallelOptions { MaxDegreeOfParallelism = Clients },
            async (target, _) =>
            {
                var (route, address, ownSeed) = target;
                var random = new Random(ownSeed);
                for (var i = 0; i < BodiesAClient; i++)
                {
                    if (i % BodiesPerReservation == 0 && IsOfReservation(route))
                        address = await route.AddressAsync(account);
                    var status = await SendAsync(account, route, address, random, $"Seed {ownSeed}, body {i} to {address}");
                    answers.AddOrUpdate(status, 1, static (_, earlier) => earlier + 1);
                }
            });
    }

    private static bool IsOfReservation(BodyRoute route) => route.Path.StartsWith("/quota/reservations/", StringComparison.Ordinal);

    private static async Task<int> SendAsync(TestAccount account, BodyRoute route, string address, Random random, string what)
    {
        var valid = route.Valid.Replace("\"once_key\":\"k\"", $"\"once_key\":\"{random.Next()}\"", StringComparison.Ordinal);
        var body = random.Next(10) == 0 ? Nonsense(random) : Damage(Encoding.UTF8.GetBytes(valid), random);
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        var answer = await account.Session.SendAsync(route.Method, address, content);
        answer.Status.ShouldBeLessThan(500, $"{what}: {Convert.ToBase64String(body)}");
        if (answer.Status >= 400)
            answer.ContentType.ShouldBe("application/problem+json");
        return answer.Status;
    }

    private static long ResidentBytes(ServerProcess server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64;
    }

    /// <summary>Random bytes, or parts of JSON in random order.</summary>
    private static byte[] Nonsense(Random random)
    {
        if (random.Next(2) == 0)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            return bytes;
        }

        return Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => Splices[random.Next(Splices.Length)])));
    }

    private static byte[] Damage(byte[] body, Random random)
    {
        var damaged = body.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(damaged.Count);
            var length = Math.Min(random.Next(1, 12), damaged.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 1 when damaged.Count > length:
                    damaged.RemoveRange(at, length);
                    break;
                case 2:
                    damaged.InsertRange(at, damaged.GetRange(at, length));
                    break;
                case 3 when MemberValue(damaged, at) is var (start, end):
                    damaged.RemoveRange(start, end - start);
                    damaged.InsertRange(start, Encoding.UTF8.GetBytes(Splices[random.Next(Splices.Length)]));
                    break;
                default:
                    damaged.InsertRange(at, Encoding.UTF8.GetBytes(Splices[random.Next(Splices.Length)]));
                    break;
            }
        }

        return [.. damaged];
    }

    /// <summary>The value after the next colon: the result is usually still JSON, so that it gets past the parser.</summary>
    private static (int Start, int End)? MemberValue(List<byte> body, int at)
    {
        var colon = body.IndexOf((byte)':', at);
        var end = colon < 0 ? -1 : body.FindIndex(colon, value => value is (byte)',' or (byte)'}');
        return end < 0 ? null : (colon + 1, end);
    }
}
