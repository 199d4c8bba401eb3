using System.Text;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Http;

/// <summary>The OpenAPI document and the server say the same, in both directions.</summary>
public sealed class OpenApiBehaviourTests(SharedServers servers)
{
    /// <summary>A well-formed body that these routes refuse for what it means: a token, a code or a login that does not exist.</summary>
    private static readonly Dictionary<string, int> RefusedForItsMeaning = new()
    {
        ["POST /auth/password/reset"] = 422,
        ["POST /auth/email/verify"] = 422,
        ["POST /auth/device/token"] = 400,
        ["POST /auth/totp/confirm"] = 422,
        // No migrator is configured.
        ["POST /migrate"] = 422,
        // Only an account without a password needs none.
        ["DELETE /auth/account"] = 422,
    };

    /// <summary>Listed, and provoked in other tests, because they need what this one has not.</summary>
    private static readonly HashSet<(string Operation, int Status)> ProvokedElsewhere =
    [
        // A token of another issuer, an account without a password, a subscription.
        ("POST /auth/logout", 409), ("POST /auth/password", 409), ("POST /billing/checkout", 409),
        // A migrator, and a key without its scope: ScopeTableTests.
        ("POST /migrate", 402), ("POST /migrate", 403), ("GET /migrate/{id}", 403), ("DELETE /migrate/{id}", 403),
        // A second factor that is on or off, a server without mail.
        ("POST /auth/totp", 409), ("POST /auth/totp/confirm", 409), ("DELETE /auth/totp", 409), ("POST /auth/email", 409),
    ];

    [Fact]
    public async Task What_a_schema_allows_is_accepted_and_what_it_forbids_is_refused()
    {
        // The plan of the example is sold in every way that there is.
        await using var own = await StartAsync(
            new() { ["PyResolve:Plans:pro:PerSeat"] = "true", ["PyResolve:Plans:pro:Prices:year:Amount"] = "19000" });
        var operations = await ReadAsync(own);
        var (accepted, refused) = (0, 0);
        foreach (var operation in operations.Where(operation => operation.Schema is not null))
        {
            foreach (var (what, body) in operation.Allowed())
            {
                // More units than the reservation has left, though not more than any may have.
                if (operation.Path.EndsWith("/commit", StringComparison.Ordinal) && what == "quantity = 1000")
                    continue;
                var answer = await SendAsync(own, operation, body.ToJsonString());
                var isRefused = answer.Status is 400 or 413 or 415 or 422
                    && answer.Status != RefusedForItsMeaning.GetValueOrDefault(operation.Name);
                isRefused.ShouldBeFalse($"{operation.Name} with {what}: {answer.Status} {answer.Text}");
                operation.Statuses.ShouldContain(answer.Status, operation.Name);
                accepted++;
            }

            foreach (var (member, what, body) in operation.Forbidden())
            {
                var answer = await SendAsync(own, operation, body.ToJsonString());
                answer.Status.ShouldBeOneOf([400, 422], $"{operation.Name} with {what}: {answer.Status} {answer.Text}");
                if (answer.Status == 422)
                    answer.ShouldBlame(member, $"{operation.Name} with {what}");
                refused++;
            }
        }

        (accepted > 60 && refused > 200).ShouldBeTrue($"{accepted} accepted, {refused} refused");
    }

    [Fact]
    public async Task What_the_schema_of_a_query_allows_is_accepted_and_what_it_forbids_is_refused()
    {
        await using var own = await StartAsync();
        foreach (var operation in await ReadAsync(own))
        {
            foreach (var (name, schema) in operation.Queries)
            {
                var good = name switch { "month" => "2026-11", "months" => "36", "limit" => "1000", _ => "" };
                // This server has no Stripe.
                var accepted = operation.Name == "GET /billing/invoices" ? 503 : 200;
                var status = (await SendAsync(own, operation, body: null, $"?{name}={good}")).Status;
                status.ShouldBe(accepted, $"{operation.Name}?{name}={good}");
                var isNumber = schema.GetProperty("type").GetString() == "integer";
                foreach (var bad in isNumber ? (string[])["0", "1001", "1.5", "x"] : ["2026-13", "x"])
                {
                    var answer = await SendAsync(own, operation, body: null, $"?{name}={bad}");
                    answer.Status.ShouldBeOneOf([400, 422], $"{operation.Name}?{name}={bad}");
                }
            }
        }
    }

    [Fact]
    public async Task Numbers_are_numbers_and_instants_are_strings_in_every_schema()
    {
        await using var own = await StartAsync();
        var schemas = (await own.Server.Anonymous.GetAsync("/openapi/v1.json"))["components"].GetProperty("schemas");

        foreach (var schema in schemas.EnumerateObject().Where(schema => schema.Value.TryGetProperty("properties", out _)))
        {
            foreach (var member in schema.Value.GetProperty("properties").EnumerateObject())
            {
                var text = member.Value.GetRawText();
                (text.Contains("\"integer\"", StringComparison.Ordinal) && text.Contains("\"string\"", StringComparison.Ordinal))
                    .ShouldBeFalse($"{schema.Name}.{member.Name}: {text}");
                if (text.Contains("date-time", StringComparison.Ordinal))
                    text.ShouldContain("\"string\"");
            }
        }
    }

    [Fact]
    public async Task Every_status_that_an_operation_gives_is_listed_and_every_listed_one_can_be_provoked()
    {
        await using var own = await StartAsync();
        var operations = await ReadAsync(own);
        var provoked = operations.ToDictionary(operation => operation.Name, _ => new HashSet<int>());
        foreach (var operation in operations)
        {
            foreach (var answer in await ProvokeAsync(own, operation))
                provoked[operation.Name].Add(answer);
        }

        foreach (var (operation, status) in await ProvokeSpecialAsync(own))
            provoked[operation].Add(status);

        foreach (var operation in operations)
        {
            provoked[operation.Name].Except(operation.Statuses).ShouldBeEmpty($"{operation.Name} gives what it does not list.");
            operation.Statuses
                // A store that does not answer: StoreOutageTests.
                .Where(status => status >= 400 && status != 503 && !ProvokedElsewhere.Contains((operation.Name, status)))
                .Except(provoked[operation.Name])
                .ShouldBeEmpty($"{operation.Name} lists what it never gives.");
        }
    }

    /// <summary>What follows from credentials, ids, queries and bodies alone.</summary>
    private static async Task<List<int>> ProvokeAsync(OwnServer own, OpenApiOperation operation)
    {
        var statuses = new List<int>();
        var account = await own.SignUpAsync();
        var method = new HttpMethod(operation.Method);
        var path = operation.Path.Replace("{id}", Guid.CreateVersion7().ToString(), StringComparison.Ordinal);
        var body = operation.Schema is null ? null : "{}";
        var hasBody = operation.Method is "POST" or "PATCH" or "DELETE" && operation.Schema is not null;
        if (operation.Security.Count > 0)
        {
            statuses.Add((await own.Server.Anonymous.SendAsync(method, path, body)).Status);
            (string, string)[] second = [("Authorization", $"Bearer {account.SessionToken}")];
            statuses.Add((await account.Key.SendAsync(method, path, body, second)).Status);
            var limited = await KeyAsync(account, new { requests_per_minute = 1, scopes = new[] { "migrate" } });
            statuses.Add((await limited.SendAsync(method, path, body)).Status);
            statuses.Add((await limited.SendAsync(method, path, body)).Status);
        }

        if (operation.Name == "DELETE /auth/account")
            statuses.Add((await account.Session.SendAsync(method, path, new { password = 1 })).Status);
        else
            statuses.Add((await account.Session.SendAsync(method, path, hasBody ? "[]" : null)).Status);
        foreach (var (name, _) in operation.Queries)
            statuses.Add((await account.Session.SendAsync(method, $"{path}?{name}=x")).Status);
        if (hasBody)
        {
            statuses.Add((await account.Session.SendAsync(method, path, "{")).Status);
            var text = new StringContent("{}", Encoding.UTF8, "text/plain");
            statuses.Add((await account.Session.SendAsync(method, path, text)).Status);
            // More than any route takes.
            statuses.Add((await account.Session.SendAsync(method, path, $"\"{new string('x', 9_000_000)}\"")).Status);
            if (operation.Path.Contains("{id}", StringComparison.Ordinal))
                statuses.Add((await account.Session.SendAsync(method, path, "{}")).Status);
        }

        return statuses;
    }

    /// <summary>What needs a state of the account or a setting of the server.</summary>
    private async Task<List<(string Operation, int Status)>> ProvokeSpecialAsync(OwnServer own)
    {
        var account = await own.SignUpAsync();
        var login = new { email = account.Email, password = "a wrong password" };
        var id = (await account.ReserveAsync()).Id();
        var eventId = Guid.CreateVersion7();
        var found = new List<(string, int)>
        {
            ("POST /auth/signup", await SignUpAsync(own, account.Email)),
            ("POST /auth/login", (await own.Server.Anonymous.PostAsync("/auth/login", login)).Status),
            ("POST /quota/reservations", (await account.ReserveAsync(quantity: 1_000)).Status),
            ("POST /quota/reservations", (await account.ReserveAsync(tier: "tier2")).Status),
            ("POST /quota/reservations", (await account.ReserveAsync(idempotencyKey: "k")).Status),
            ("POST /quota/reservations", (await account.ReserveAsync(quantity: 2, idempotencyKey: "k")).Status),
            ("POST /usage", (await account.Key.PostAsync("/usage", new { event_type = "scan", id = eventId })).Status),
            ("POST /usage", (await account.Key.PostAsync("/usage", new { event_type = "llm_call", id = eventId })).Status),
            ("POST /quota/reservations/{id}/commit", (await account.CommitAsync(id, new { id = eventId })).Status),
            ("POST /quota/reservations/{id}/commit", (await account.CommitAsync(id)).Status),
            ("DELETE /quota/reservations/{id}", (await account.ReleaseAsync(id)).Status),
            ("PATCH /quota/reservations/{id}", (await account.ExtendAsync(id, 60)).Status),
            ("PATCH /quota/reservations/{id}", (await account.ExtendAsync(Guid.CreateVersion7(), 60)).Status),
            ("DELETE /auth/account", (await DeleteAsync(account, "a wrong password")).Status),
            ("POST /billing/overage", (await account.Session.PostAsync("/billing/overage", new { cap = 1 })).Status),
        };
        var made = await account.Session.PostAsync("/auth/api-keys");
        for (var i = 0; i < 2; i++)
            found.Add(("POST /auth/api-keys/{id}/rotate", (await account.Session.PostAsync($"/auth/api-keys/{made.Id()}/rotate")).Status));

        await using var strict = await StartAsync(new()
        {
            ["PyResolve:SignUpsPerHour"] = "1",
            ["PyResolve:LogInFailuresPerAccount"] = "1",
            ["PyResolve:DeviceCodesPerHour"] = "1",
            ["PyResolve:LiveKeysPerAccount"] = "1",
        });
        var only = await strict.SignUpAsync();
        found.Add(("POST /auth/api-keys", (await only.Session.PostAsync("/auth/api-keys")).Status));
        for (var i = 0; i < 2; i++)
        {
            found.Add(("POST /auth/signup", await SignUpAsync(strict, $"new{i}@example.com")));
            found.Add(("POST /auth/login", (await strict.Server.Anonymous.PostAsync("/auth/login", login)).Status));
            found.Add(("POST /auth/device/code", (await strict.Server.Anonymous.PostAsync("/auth/device/code")).Status));
        }

        await using var closed = await StartAsync(new(BillingServer.Settings) { ["PYRESOLVE_SIGNUP"] = "closed" });
        found.Add(("POST /auth/signup", await SignUpAsync(closed, "a@example.com")));
        foreach (var payload in (string[])["{}", $"\"{new string('x', 5_000_000)}\""])
            found.Add(("POST /webhooks/stripe", (await closed.Server.Anonymous.PostAsync("/webhooks/stripe", payload)).Status));
        return found;
    }

    private static async Task<int> SignUpAsync(OwnServer own, string email) =>
        (await own.Server.Anonymous.PostAsync("/auth/signup", new { email, password = TestAccount.Password })).Status;

    private static Task<Answer> DeleteAsync(TestAccount account, string password) =>
        account.Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password });

    private static async Task<Answer> SendAsync(OwnServer own, OpenApiOperation operation, string? body, string query = "")
    {
        // Its own account each time: some of these end it, or its session.
        var account = await own.SignUpAsync();
        var path = operation.Path;
        if (path.Contains("{id}", StringComparison.Ordinal))
        {
            var target = path.StartsWith("/quota", StringComparison.Ordinal)
                ? await account.ReserveAsync()
                : await account.Session.PostAsync("/auth/api-keys");
            path = path.Replace("{id}", target.Id().ToString(), StringComparison.Ordinal);
        }

        return await account.Session.SendAsync(new HttpMethod(operation.Method), path + query, body);
    }

    private static async Task<Caller> KeyAsync(TestAccount account, object request) =>
        new(account.Http, "X-API-Key", (await account.Session.PostAsync("/auth/api-keys", request))["api_key"].GetString());

    private static async Task<IReadOnlyList<OpenApiOperation>> ReadAsync(OwnServer own) =>
        OpenApiOperation.All((await own.Server.Anonymous.GetAsync("/openapi/v1.json")).Body);

    private Task<OwnServer> StartAsync(Dictionary<string, string?>? settings = null)
    {
        var all = new Dictionary<string, string?>(settings ?? []);
        all.TryAdd("PyResolve:DeviceCodesPerHour", "1000000");
        return OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: all);
    }
}
