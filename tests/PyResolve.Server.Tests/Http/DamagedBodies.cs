using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;

namespace PyResolve.Server.Tests.Http;

/// <summary>Sends an account's valid bodies with random damage, and random bytes, to every route that takes a body.</summary>
internal sealed class DamagedBodies
{
    /// <summary>A reservation is used only once, so later bodies need a new one.</summary>
    private const int BodiesPerReservation = 5;

    /// <summary>The number of bodies that one client sends to one route, from its own seed.</summary>
    public const int BodiesAClient = 120;

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

    private readonly TestAccount _account;
    private readonly (BodyRoute Route, string Address)[] _routes;
    private readonly ConcurrentDictionary<int, int> _answers = new();

    private DamagedBodies(TestAccount account, (BodyRoute Route, string Address)[] routes) => (_account, _routes) = (account, routes);

    public int Routes => _routes.Length;

    /// <summary>How many answers had which status.</summary>
    public IReadOnlyDictionary<int, int> Answers => _answers;

    public static async Task<DamagedBodies> CreateAsync(TestAccount account) => new(account, await Task.WhenAll(
        BodyRoute.All.Values.Select(async route => (Route: route, Address: await route.AddressAsync(account)))));

    /// <param name="count">For each route.</param>
    public Task SendToAllAsync(int count, int seed) => Parallel.ForEachAsync(
        from first in Enumerable.Range(0, count / BodiesAClient).Select(static client => client * BodiesAClient)
        from target in _routes.Select((target, index) => (target.Route, target.Address, Seed: seed + first + (index * count)))
        select target,
        new ParallelOptions { MaxDegreeOfParallelism = Clients },
        async (target, _) =>
        {
            var (route, address, ownSeed) = target;
            var random = new Random(ownSeed);
            for (var i = 0; i < BodiesAClient; i++)
            {
                if (i % BodiesPerReservation == 0 && IsOfReservation(route))
                    address = await route.AddressAsync(_account);
                var status = await SendAsync(route, address, random, $"Seed {ownSeed}, body {i} to {address}");
                _answers.AddOrUpdate(status, 1, static (_, earlier) => earlier + 1);
            }
        });

    private static bool IsOfReservation(BodyRoute route) => route.Path.StartsWith("/quota/reservations/", StringComparison.Ordinal);

    private async Task<int> SendAsync(BodyRoute route, string address, Random random, string what)
    {
        var valid = route.Valid.Replace("\"once_key\":\"k\"", $"\"once_key\":\"{random.Next()}\"", StringComparison.Ordinal);
        var body = random.Next(10) == 0 ? Nonsense(random) : Damage(Encoding.UTF8.GetBytes(valid), random);
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        var answer = await _account.Session.SendAsync(route.Method, address, content);
        answer.Status.ShouldBeLessThan(500, $"{what}: {Convert.ToBase64String(body)}");
        if (answer.Status >= 400)
            answer.ContentType.ShouldBe("application/problem+json");
        return answer.Status;
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
