using System.Net.Http.Headers;
using System.Text;

namespace PyResolve.Server.Tests.Http;

/// <summary>Whatever arrives, nothing is answered with a 5xx: valid bodies with random damage, from a seed that a failure names.</summary>
[Trait("Category", "Proof")]
public sealed class BodyMutationProof(SharedServers servers)
{
    private static readonly string[] Splices =
    [
        "\0", "\\u0000", "\\ud800", "\\udc00\\ud800", "\u00ff", "1e999", "-0", "-1", "9223372036854775808", "1.0", "null", "[]", "{}", "[[", "\"\"", "\"", "\\", ",", ":",
        "\"x\":1,", "true", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2026-11-15T12:00:00+14:00", "00000000-0000-0000-0000-000000000000", "\uFEFF", "\U0001F600",
    ];

    [Theory, OnBothEngines]
    public async Task No_damaged_body_is_answered_with_a_5xx(StorageEngine engine)
    {
        const int Seed = 20_261_115;
        var random = new Random(Seed);
        var account = await servers.SignUpAsync(engine);
        var routes = await Task.WhenAll(BodyRoute.All.Values.Select(async route => (route.Method, Address: await route.AddressAsync(account), route.Valid)));
        var answers = new SortedDictionary<int, int>();

        for (var i = 0; i < Scale.Pick(2_000, 20_000); i++)
        {
            var (method, address, valid) = routes[random.Next(routes.Length)];
            var body = Damage(Encoding.UTF8.GetBytes(valid), random);
            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

            var answer = await account.Session.SendAsync(method, address, content);

            answer.Status.ShouldBeLessThan(500, $"Seed {Seed}, body {i} to {address}: {Convert.ToBase64String(body)}");
            if (answer.Status >= 400)
                answer.ContentType.ShouldBe("application/problem+json");
            answers[answer.Status] = answers.GetValueOrDefault(answer.Status) + 1;
        }

        answers.Keys.ShouldContain(400);
        answers.Keys.ShouldContain(422);
        Proofs.Report("Damaged bodies", $"{engine}: {answers.Values.Sum():N0} bodies over {routes.Length} routes, no 5xx ({string.Join(", ", answers.Select(count => $"{count.Value:N0} × {count.Key}"))}).");
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

    /// <summary>The value that follows the next colon: most such damage is still JSON, and goes deeper.</summary>
    private static (int Start, int End)? MemberValue(List<byte> body, int at)
    {
        var colon = body.IndexOf((byte)':', at);
        var end = colon < 0 ? -1 : body.FindIndex(colon, value => value is (byte)',' or (byte)'}');
        return end < 0 ? null : (colon + 1, end);
    }
}
