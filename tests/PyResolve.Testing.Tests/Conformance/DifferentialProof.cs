using System.Text.Json;
using System.Text.RegularExpressions;

namespace PyResolve.Testing.Tests.Conformance;

/// <summary>The fake server answers random requests as the real one does, word for word.</summary>
public sealed partial class DifferentialProof(SharedServers servers)
{
    [Fact]
    [Trait("Category", "Proof")]
    public async Task The_fake_and_the_real_server_answer_alike()
    {
        var (runs, length) = (Scale.Pick(6, 200), Scale.Pick(150, 300));
        var answered = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var seed = 1; seed <= runs; seed++)
        {
            await using var real = await servers.OnOwnAsync(ServerKind.Sqlite);
            await using var fake = await servers.OnOwnAsync(ServerKind.Fake);
            var (left, right) = (await Player.StartAsync(real), await Player.StartAsync(fake));
            var script = new Script(new Random(seed));
            for (var step = 0; step < length; step++)
            {
                var move = script.Draw();
                var (expected, actual) = (await left.PlayAsync(move), await right.PlayAsync(move));
                actual.ShouldBe(expected, $"seed {seed}, step {step}: {move}");
                answered[expected.Split('\n')[0]] = answered.GetValueOrDefault(expected.Split('\n')[0]) + 1;
            }
        }

        answered.Keys.ShouldBe(
            ["- ", "200 ", "201 ", "402 quota_exceeded", "403 llm_not_allowed", "404 not_found", "409 conflict", "422 invalid"],
            ignoreOrder: true);
        Proofs.Report(
            "The fake server", $"{runs * length} random requests in {runs} runs were answered by the fake server as by the real one.");
    }

    /// <summary>A request in terms that both servers share: a reservation or an event is given by its number.</summary>
    private sealed record Move(string Kind, int Reservation, int Event, JsonElement Body, string? Key = null);

    private sealed class Script(Random random)
    {
        private int _reservations;
        private int _events;

        public Move Draw() => random.Next(22) switch
        {
            < 6 => New("reserve", Reservation(), idempotencyKey: random.Next(6) == 0 ? $"key-{random.Next(4)}" : null),
            < 9 => New("commit", random.Next(3) == 0 ? new { quantity = random.Next(1, 4) } : new { files_changed = random.Next(5) }),
            < 11 => New("release", null),
            < 15 => New("usage", new { tier = Tier(), files_changed = random.Next(3), tokens_used = random.Next(3) }),
            < 16 => New("read", null),
            < 17 => New("plan", random.Next(3) == 0 ? "pro" : "free"),
            < 18 => New("month", null),
            < 20 => New("extend", new { ttl_seconds = random.Next(4) == 0 ? 604_800 : random.Next(0, 7_200) }),
            _ => New("wait", random.Next(6) switch { 0 => 10 * 86_400, 1 => 86_400, 2 => 3_600, _ => random.Next(1, 600) }),
        };

        private Move New(string kind, object? body, string? idempotencyKey = null)
        {
            var reservation = random.Next(Math.Max(0, _reservations - 6), _reservations + 1);
            var id = random.Next(5) == 0 && _events > 0 ? random.Next(_events) : _events;
            if (kind == "reserve")
                _reservations++;
            if (kind is "usage" or "commit" && id == _events)
                _events++;
            return new(kind, reservation, id, JsonSerializer.SerializeToElement(body), idempotencyKey);
        }

        private Dictionary<string, object> Reservation()
        {
            var body = new Dictionary<string, object>
            {
                ["tier"] = Tier() ?? "tier1", ["quantity"] = random.Next(1, 4), ["ttl_seconds"] = random.Next(10, 7_200),
            };
            if (random.Next(3) == 0)
                body["once_key"] = $"work-{random.Next(3)}";
            if (random.Next(3) == 0)
                body["machine"] = $"machine-{random.Next(2)}";
            return body;
        }

        private string? Tier() => random.Next(8) switch { 0 => null, 1 => "tier2", _ => "tier1" };
    }

    /// <summary>Sends the requests to one server, and returns the answers without ids and addresses that differ between servers.</summary>
    private sealed partial class Player(Subject subject, TestAccount account)
    {
        private readonly List<Guid> _reservations = [];
        private readonly Dictionary<string, string> _names = new(StringComparer.OrdinalIgnoreCase);

        public static async Task<Player> StartAsync(Subject subject) => new(subject, await subject.SignUpAsync());

        public async Task<string> PlayAsync(Move move)
        {
            // What is recorded at one instant may be listed in any order.
            subject.Advance(TimeSpan.FromMilliseconds(1));
            var reservation = move.Reservation < _reservations.Count
                ? _reservations[move.Reservation]
                : Guid.Parse("00000000-0000-7000-8000-00000000dead");
            var path = $"/quota/reservations/{reservation}";
            switch (move.Kind)
            {
                case "wait":
                    subject.Advance(TimeSpan.FromSeconds(move.Body.GetInt32()));
                    return "- \n";
                case "plan":
                    await subject.SetPlanAsync(account, move.Body.GetString()!);
                    return "- \n";
                case "reserve":
                    var answer = await account.Key.PostAsync("/quota/reservations", move.Body.GetRawText(), move.Key);
                    if (answer.Status is 201 or 200)
                        _reservations.Add(answer.Id());
                    return Describe(answer);
                case "commit":
                    return Describe(await account.Key.PostAsync($"{path}/commit", With(move.Body, ("id", EventId(move)))));
                case "extend":
                    return Describe(await account.Key.SendAsync(HttpMethod.Patch, path, move.Body.GetRawText()));
                case "release":
                    return Describe(await account.Key.DeleteAsync(path));
                case "usage":
                    return Describe(await account.Key.PostAsync("/usage", With(
                        move.Body,
                        ("event_type", "migration"),
                        ("id", EventId(move)),
                        ("reservation_id", move.Event % 3 == 0 ? reservation : null))));
                case "read":
                    return Describe(await account.Key.GetAsync(path));
                default:
                    return Describe(await account.Key.GetAsync("/usage")) + Describe(await account.Key.GetAsync("/usage/events?limit=50"));
            }
        }

        private static Guid EventId(Move move) => new(move.Event + 1, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);

        private static Dictionary<string, object?> With(JsonElement body, params (string Name, object? Value)[] members)
        {
            var all = body.EnumerateObject().ToDictionary(member => member.Name, member => (object?)member.Value);
            foreach (var (name, value) in members)
                all[name] = value;
            return all;
        }

        private string Describe(Answer answer)
        {
            var code = answer.Status >= 400 ? answer.Code : "";
            var text = Canonical(answer.Body)
                .Replace(subject.Address.AbsoluteUri.TrimEnd('/'), "<server>", StringComparison.Ordinal)
                .Replace(account.ApiKey[..20], "<prefix>", StringComparison.Ordinal);
            return $"{answer.Status} {code}\n{Id().Replace(text, match => NameOf(match.Value))}\n";
        }

        private string NameOf(string id)
        {
            if (!_names.TryGetValue(id, out var name))
                _names[id] = name = $"<{_names.Count}>";
            return name;
        }

        private static string Canonical(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => "{" + string.Join(',', element.EnumerateObject()
                .OrderBy(member => member.Name, StringComparer.Ordinal)
                .Where(member => member.Name is not "request_id")
                .Select(member =>
                    $"{member.Name}:{(member.Name is "lease" or "next_cursor" ? IsThere(member.Value) : Canonical(member.Value))}")) + "}",
            JsonValueKind.Array => "[" + string.Join(',', element.EnumerateArray().Select(Canonical)) + "]",
            JsonValueKind.String => $"\"{element.GetString()}\"",
            _ => element.GetRawText(),
        };

        /// <summary>Signatures and cursors differ between servers.</summary>
        private static string IsThere(JsonElement element) => element.ValueKind is JsonValueKind.Null ? "null" : "something";

        [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
        private static partial Regex Id();
    }
}
