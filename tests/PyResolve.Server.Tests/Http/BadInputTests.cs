using System.Net.Http.Headers;
using System.Text;

namespace PyResolve.Server.Tests.Http;

/// <summary>
/// Every route that reads a body answers an invalid request with the right 4xx and a problem, on both stores.
/// </summary>
public sealed class BadInputTests(SharedServers servers)
{
    private static readonly string Long = $"\"{new string('x', 17 * 1024)}\"";

    private static readonly Dictionary<string, (int Status, string Code, Func<BodyRoute, HttpContent> Make)> Bodies = new()
    {
        ["cut off"] = (400, "malformed", route => Json(route.Valid[..^1])),
        ["followed by more"] = (400, "malformed", route => Json(route.Valid + "x")),
        ["with a comment"] = (400, "malformed", route => Json("/* hello */" + route.Valid)),
        ["with a trailing comma"] = (400, "malformed", route => Json(route.Valid[..^1] + ",}")),
        ["with a raw control character"] = (
            400, "malformed", route => Json(route.Valid.Replace("\":", "\u0001\":", StringComparison.Ordinal))),
        ["not UTF-8"] = (400, "malformed", _ => Bytes([.. "{\"a\":\""u8, 0xFF, 0xC0, .. "\"}"u8])),
        ["UTF-16"] = (400, "malformed", route => Bytes(Encoding.Unicode.GetBytes(route.Valid))),
        ["a member given twice"] = (400, "malformed", route => Json(route.Valid[..^1] + "," + route.Valid[1..])),
        ["half a character in a member's name"] = (400, "malformed", route => Json(route.Valid[..^1] + ",\"\\ud800\":1}")),
        ["10,000 levels deep"] = (
            400, "malformed", route => Json(route.Valid[..^1] + ",\"x\":" + new string('[', 10_000) + new string(']', 10_000) + "}")),
        ["an array"] = (422, "invalid", route => Json($"[{route.Valid}]")),
        ["a string"] = (422, "invalid", _ => Json("\"migration\"")),
        ["null"] = (422, "invalid", _ => Json("null")),
        ["a number"] = (422, "invalid", _ => Json("1e400")),
        ["plain text"] = (415, "unsupported_media_type", route => new StringContent(route.Valid, Encoding.UTF8, "text/plain")),
        ["a form"] = (415, "unsupported_media_type", _ => new FormUrlEncodedContent([new("event_type", "migration")])),
        ["of no type"] = (415, "unsupported_media_type", route => new ByteArrayContent(Encoding.UTF8.GetBytes(route.Valid))),
        ["of another charset"] = (
            415, "unsupported_media_type", route => new StringContent(route.Valid, Encoding.Unicode, "application/json")),
        ["10 MB"] = (413, "too_large", route => Json(route.With("x", $"\"{new string('x', 10_000_000)}\""))),
        ["10 MB without a length"] = (413, "too_large", route => Chunked(route.With("x", $"\"{new string('x', 10_000_000)}\""))),
    };

    /// <summary>Each route on each engine.</summary>
    public static TheoryData<StorageEngine, string> Routes { get; } =
        new(from engine in StorageEngines.Both from path in BodyRoute.All.Keys select (engine, path));

    [Theory, MemberData(nameof(Routes))]
    public async Task A_bad_body_is_refused(StorageEngine engine, string path)
    {
        var account = await servers.SignUpAsync(engine);
        var route = BodyRoute.All[path];
        var address = await route.AddressAsync(account);

        foreach (var (name, (status, code, make)) in Bodies.Where(body => !route.TakesForms || body.Key != "a form"))
        {
            var answer = await account.Session.SendAsync(route.Method, address, make(route));
            answer.ShouldBeProblem(status, code, $"The body is {name}.");
        }
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task A_bad_member_is_named(StorageEngine engine, string path)
    {
        var account = await servers.SignUpAsync(engine);
        var route = BodyRoute.All[path];
        var address = await route.AddressAsync(account);

        foreach (var (member, json) in BadMembers(route))
        {
            var answer = await account.Session.SendAsync(route.Method, address, route.With(member, json));
            answer.ShouldBlame(member, $"{member} is {json[..Math.Min(json.Length, 50)]}.");
        }
    }

    [Theory, OnBothEngines]
    public async Task Metadata_of_a_megabyte_is_too_large_and_of_16_KiB_is_not(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        string Usage(int size) => BodyRoute.All["/usage"].With("metadata", $$"""{"a":"{{new string('x', size - 8)}}"}""");

        (await account.Key.PostAsync("/usage", Usage(1024 * 1024))).ShouldBeProblem(413, "too_large");
        (await account.Key.PostAsync("/usage", Usage((16 * 1024) + 1))).ShouldBlame("metadata");
        (await account.Key.PostAsync("/usage", Usage(16 * 1024))).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("/usage", "")]
    [InlineData("/usage", "build-7")]
    [InlineData("/usage", "{019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90}")]
    [InlineData("/usage", "019ab3c27d1e7c4a9f0b3f1d5a6e8b90")]
    [InlineData("/usage", "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90, 019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90")]
    [InlineData("/quota/reservations", "")]
    [InlineData("/quota/reservations", "two words")]
    [InlineData("/quota/reservations", "{256}")]
    public async Task A_bad_Idempotency_Key_is_malformed(string path, string key)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var answer = await account.Key.PostAsync(path, BodyRoute.All[path].Valid, key == "{256}" ? new string('k', 256) : key);

        answer.ShouldBeProblem(400, "malformed").Detail!.ShouldContain("Idempotency-Key");
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/quota/reservations")]
    public async Task Two_Idempotency_Keys_are_malformed(string path)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var key = Guid.CreateVersion7().ToString();

        var answer = await account.Key.SendAsync(
            HttpMethod.Post, path, BodyRoute.All[path].Valid, [("Idempotency-Key", key), ("Idempotency-Key", key)]);

        answer.ShouldBeProblem(400, "malformed");
    }

    [Theory]
    [InlineData("GET", "/nowhere", 404, "not_found")]
    [InlineData("GET", "/usage/nowhere", 404, "not_found")]
    [InlineData("POST", "/quota/reservations/no-uuid/commit", 404, "not_found")]
    [InlineData("GET", "/quota/reservations/019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", 404, "not_found")]
    [InlineData("DELETE", "/auth/api-keys/019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", 404, "not_found")]
    [InlineData("GET", "/openapi/v2.json", 404, "not_found")]
    [InlineData("DELETE", "/usage", 405, "method_not_allowed")]
    [InlineData("GET", "/auth/signup", 405, "method_not_allowed")]
    [InlineData("PUT", "/quota", 405, "method_not_allowed")]
    [InlineData("POST", "/", 405, "method_not_allowed")]
    [InlineData("PATCH", "/auth/api-keys", 405, "method_not_allowed")]
    public async Task Unknown_routes_and_methods_are_answered_with_a_problem(string method, string path, int status, string code)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var answer = await account.Session.SendAsync(HttpMethod.Parse(method), path);

        answer.ShouldBeProblem(status, code);
    }

    [Fact]
    public async Task An_invalid_path_is_refused_with_a_problem()
    {
        var answer = await (await servers.OnAsync(StorageEngine.Sqlite)).Anonymous.GetAsync("/plans/%00");

        answer.ShouldBeProblem(400, "malformed");
    }

    [Fact]
    public async Task A_wrong_method_is_answered_with_the_allowed_methods()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri("/auth/api-keys", UriKind.Relative));

        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        response.Content.Headers.Allow.ShouldBe(["GET", "HEAD", "POST"], ignoreOrder: true);
    }

    [Theory, OnBothEngines]
    public async Task Every_valid_body_of_these_tests_is_accepted(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        foreach (var route in BodyRoute.All.Values.Where(route => route.IsAccepted))
        {
            var valid = route.Valid.Replace("ada@", $"ada-{engine}-{account.UserId:n}@", StringComparison.Ordinal);
            var answer = await account.Session.SendAsync(route.Method, await route.AddressAsync(account), valid);
            (answer.Status is 200 or 201 or 202).ShouldBeTrue($"{route.Path}: {answer.Text}");
        }
    }

    [Fact]
    public async Task These_tests_cover_every_route_that_reads_a_body()
    {
        var document = (await (await servers.OnAsync(StorageEngine.Sqlite)).Anonymous.GetAsync("/openapi/v1.json")).Body;

        var reading = document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Value.EnumerateObject().Any(operation => operation.Value.TryGetProperty("requestBody", out _)))
            .Select(path => path.Name);

        reading.ShouldBe(BodyRoute.All.Keys, ignoreOrder: true);
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/auth/logout")]
    public async Task A_body_is_not_read_for_a_caller_who_may_not_send_it(string path)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.Anonymous.PostAsync(path, "{")).ShouldBeProblem(401, "unauthenticated");
    }

    private static IEnumerable<(string Member, string Json)> BadMembers(BodyRoute route) =>
    [
        .. from text in route.Texts
           from json in (string[])[
               "\"a\\u0000b\"",
               "\"\\u0000\"",
               "\"a\\u001fb\"",
               "\"\\ud800\"",
               "\"\\udc00x\"",
               "1",
               "true",
               "[]",
               "{}",
               Long,
           ]
           select (text, json),
        .. from number in route.Numbers
           from json in (string[])[
               "-1",
               "1.5",
               "1e400",
               "-1e400",
               "99999999999999999999",
               "9223372036854775808",
               $"{number.Value + 1}",
               "\"1\"",
               "true",
               "[]",
               "{}",
           ]
           select (number.Key, json),
        .. from id in route.Ids
           from json in (string[])[
               "\"\"",
               "\"42\"",
               "\"{019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90}\"",
               "\"\\u0000\"",
               "\"\\ud800\"",
               "42",
               "[]",
               "{}",
           ]
           select (id, json),
        .. from instant in route.Instants
           from json in (string[])[
               "\"\"",
               "\"yesterday\"",
               "\"2026-02-30T00:00:00Z\"",
               "\"0001-01-01T00:00:00Z\"",
               "\"\\ud800\"",
               "1790000000",
               "[]",
               "{}",
           ]
           select (instant, json),
        .. from json in (string[])[
            "[]",
            "1",
            "\"x\"",
            "{\"a\":\"\\u0000\"}",
            "{\"\\u0000\":1}",
            "{\"a\":[{\"b\":\"\\ud800\"}]}",
            "{\"a\":1e400}",
            "{\"a\":1e-20000}",
            "{\"a\":0e-20000}",
            $"{{\"a\":{Long}}}",
        ]
           where route.Metadata
           select ("metadata", json),
        .. Special(route.Path),
    ];

    private static IEnumerable<(string Member, string Json)> Special(string path) => path switch
    {
        "/auth/signup" =>
            [
                ("email", "\"ada\""),
                ("email", "\"@example.com\""),
                ("email", "\"a@b@c\""),
                ("email", "null"),
                ("password", "\"short\""),
                ("password", "null"),
            ],
        "/auth/login" => [("email", "\"\""), ("password", "null")],
        "/auth/api-keys" =>
            [
                ("scopes", "[]"),
                ("scopes", "[\"admin\"]"),
                ("scopes", "[null]"),
                ("scopes", "[\"\\u0000\"]"),
                ("scopes", "[\"\\ud800\"]"),
                ("scopes", "\"quota\""),
                ("scopes", "{}"),
                ("requests_per_minute", "0"),
                ("expires_at", "\"2026-11-15T12:00:00Z\""),
            ],
        "/quota/reservations" =>
            [
                ("tier", "\"tier9\""),
                ("tier", "\"Tier1\""),
                ("tier", "null"),
                ("quantity", "0"),
                ("ttl_seconds", "0"),
                ("once_key", "\"\""),
                ("once_key", "\"two words\""),
                ("once_key", "\"caf\\u00e9\""),
            ],
        "/quota/reservations/{id}" => [("ttl_seconds", "0"), ("ttl_seconds", "null")],
        "/quota/reservations/{id}/commit" => [("quantity", "0"), ("quantity", "2")],
        "/migrate" =>
            [
                ("tier", "null"),
                ("library", "\"two words\""),
                ("target", "\"\""),
                ("files", "null"),
                ("files", "{}"),
                ("files", "[]"),
                ("files", "{\"../a.py\":\"\"}"),
                ("files", "{\"a.py\":null}"),
            ],
        "/usage" =>
            [
                ("event_type", "\"Migration\""),
                ("event_type", "\"no word\""),
                ("event_type", "\"\""),
                ("event_type", "\"migration\\n\""),
                ("event_type", "null"),
                ("tier", "\"tier9\""),
                ("tier", "\"\""),
            ],
        "/usage/batch" =>
            [
                ("events", "null"),
                ("events", "[]"),
                ("events", "{}"),
                ("events", "1"),
                ("events", $"[{string.Join(',', Enumerable.Repeat("1", 1_001))}]"),
            ],
        "/auth/api-keys/report-leak" => [("api_key", "1"), ("api_key", "[]")],
        "/auth/device/token" => [("device_code", "1"), ("device_code", "{}")],
        "/auth/password" => [("new_password", "\"short\""), ("new_password", "null"), ("current_password", "null")],
        "/auth/password/forgot" => [("email", "\"ada\""), ("email", "null")],
        "/auth/password/reset" => [("password", "\"short\""), ("token", "null"), ("token", "\"\"")],
        "/auth/email/verify" => [("token", "null"), ("token", "\"\"")],
        "/auth/email" => [("email", "\"ada\""), ("email", "null")],
        "/auth/totp" or "/auth/totp/confirm" => [("code", "null"), ("code", "\"\"")],
        "/auth/account" => [("password", "1"), ("password", "[]")],
        "/me" => [("name", "\"\""), ("name", "null")],
        "/billing/overage" => [("cap", "null")],
        "/auth/api-keys/{id}/rotate" or "/auth/device/code" or "/billing/checkout" => [],
        _ => throw new ArgumentOutOfRangeException(nameof(path), path, "Which values does this route refuse?"),
    };

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static ByteArrayContent Bytes(byte[] bytes) =>
        new(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    // The length of a stream that cannot seek is unknown.
    private static ChunkedContent Chunked(string text) => new(text);

    private sealed class ChunkedContent : HttpContent
    {
        private readonly byte[] _bytes;

        public ChunkedContent(string text)
        {
            _bytes = Encoding.UTF8.GetBytes(text);
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            stream.WriteAsync(_bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
