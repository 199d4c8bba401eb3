using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Devices;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Devices;

public sealed class DeviceLoginTests(SharedServers servers)
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";

    [Theory, OnBothEngines]
    public async Task A_device_gets_a_key_once_a_person_has_approved_it(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http, "my-laptop");
        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");

        var person = await Person.SignedInAsync(server, account);
        (await person.OpenAsync(device.UserCode)).Text.ShouldContain("my-laptop");
        (await person.ApproveAsync(device.UserCode)).Status.ShouldBe(303);
        var redeemed = await device.PollAsync();

        redeemed.Status.ShouldBe(200, redeemed.Text);
        redeemed["user"].GetProperty("email").GetString().ShouldBe(account.Email);
        redeemed.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var key = new Caller(server.Http, "X-API-Key", redeemed["api_key"].GetString());
        (await key.GetAsync("/me"))["user_id"].GetGuid().ShouldBe(account.UserId);
        (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray()
            .Select(listed => listed.GetProperty("name").GetString()).ShouldBe(["Default", "my-laptop"], ignoreOrder: true);
    }

    /// <summary>Between the reading of the session and the decision.</summary>
    [Theory, OnBothEngines]
    public async Task A_session_that_has_just_ended_decides_nothing(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http);
        var codes = server.Services.GetRequiredService<DeviceCodes>();
        var caller = await server.Services.GetRequiredService<Sessions>().FindAsync(account.SessionToken, cancellation);
        var request = await codes.FindAsync(UserCode.Parse(device.UserCode)!, cancellation);
        (await account.Session.PostAsync("/auth/logout")).Status.ShouldBe(204);

        var decided = await codes.DecideAsync(request!, approve: true, caller!, Origin.Anyone(address: null), cancellation);

        decided.ShouldBeFalse();
        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");
    }

    [Theory, OnBothEngines]
    public async Task Old_codes_are_deleted_but_not_by_a_clock_alone_that_is_ahead(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var waiting = await Device.BeginAsync(own.Server.Http);
        var rightTime = own.Clock.GetUtcNow();
        own.Clock.Jump(TimeSpan.FromDays(30));
        await Device.BeginAsync(own.Server.Http);
        own.Clock.SetUtcNow(rightTime);

        (await waiting.PollForErrorAsync()).ShouldBe("authorization_pending");

        own.Clock.Jump(TimeSpan.FromDays(32));
        await Device.BeginAsync(own.Server.Http);
        (await own.Store.ReadNumberAsync("select count(*) from device_codes")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_device_that_asks_for_nothing_gets_no_access_to_billing_or_keys(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        foreach (var scope in new[] { null, "", "  " })
        {
            var device = await Device.BeginAsync(server.Http, scope: scope);
            var person = await Person.SignedInAsync(server, account);
            var page = await person.OpenAsync(device.UserCode);
            await person.ApproveAsync(device.UserCode);
            var key = new Caller(server.Http, "X-API-Key", (await device.PollAsync())["api_key"].GetString());

            foreach (var path in new[] { "/billing/portal", "/billing/subscription", "/auth/api-keys" })
                (await key.GetAsync(path)).ShouldBeProblem(403, "scope_missing", path);
            (await key.GetAsync("/usage")).Status.ShouldBe(200);
            (await key.PostAsync("/quota/reservations", new { tier = "tier1" })).Status.ShouldBe(201);
            page.Text.ShouldNotContain("subscription");
            page.Text.ShouldNotContain("invoices");
        }
    }

    [Theory, OnBothEngines]
    public async Task The_page_names_exactly_what_the_device_gets(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        string[] allowed = ["usage:write", "usage:read", "quota", "billing", "migrate"];
        for (var set = 1; set < 1 << allowed.Length; set++)
        {
            var asked = allowed.Where((_, i) => (set & (1 << i)) != 0).ToList();
            var scope = string.Join(' ', asked.AsEnumerable().Reverse().Append(asked[0]));
            var device = await Device.BeginAsync(server.Http, $"device {set}", scope);
            var person = await Person.SignedInAsync(server, account);

            var page = await person.OpenAsync(device.UserCode);
            await person.ApproveAsync(device.UserCode);
            (await device.PollAsync()).Status.ShouldBe(200);

            allowed.Where(scope => page.Text.Contains($"<code>{scope}</code>")).ShouldBe(asked);
            var key = (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray()
                .Single(listed => listed.GetProperty("name").GetString() == $"device {set}");
            key.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()).ShouldBe(asked);
        }
    }

    [Theory, OnBothEngines]
    public async Task A_login_begun_before_an_upgrade_gets_the_default_scopes(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var device = await Device.BeginAsync(own.Server.Http, "old");
        await own.Store.ExecuteSqlAsync("update device_codes set scopes = null");
        var person = await Person.SignedInAsync(own.Server, account);

        (await person.OpenAsync(device.UserCode)).Text.ShouldContain("<code>quota</code>");
        await person.ApproveAsync(device.UserCode);
        (await device.PollAsync()).Status.ShouldBe(200);

        (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray()
            .Single(key => key.GetProperty("name").GetString() == "old").GetProperty("scopes").EnumerateArray()
            .Select(scope => scope.GetString()).ShouldBe(["usage:write", "usage:read", "quota", "migrate"]);
    }

    [Theory, OnBothEngines]
    public async Task The_codes_have_the_documented_form(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);

        var answer = await new Caller(server.Http).PostAsync("/auth/device/code");

        answer.Status.ShouldBe(200, answer.Text);
        answer["user_code"].GetString()!.ShouldMatch("^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$");
        answer["device_code"].GetString()!.ShouldMatch("^pyr_dev_[0-9a-f]{64}$");
        answer["expires_in"].GetInt32().ShouldBe(600);
        answer["interval"].GetInt32().ShouldBe(5);
        answer["verification_uri"].GetString().ShouldBe(new Uri(server.Address, "/device").ToString());
        answer["verification_uri_complete"].GetString().ShouldBe($"{answer["verification_uri"]}?user_code={answer["user_code"]}");
    }

    [Theory, OnBothEngines]
    public async Task A_denied_device_gets_no_access(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http);
        var person = await Person.SignedInAsync(server, account);

        await person.DenyAsync(device.UserCode);

        (await device.PollForErrorAsync()).ShouldBe("access_denied");
        (await person.ApproveAsync(device.UserCode)).Status.ShouldBe(303);
        (await device.PollForErrorAsync()).ShouldBe("access_denied");
        (await account.Session.GetAsync("/auth/api-keys"))["data"].GetArrayLength().ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Of_twenty_concurrent_exchanges_one_gets_the_key(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http);
        await (await Person.SignedInAsync(server, account)).ApproveAsync(device.UserCode);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => device.PollAsync()));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 400 && answer.Code == "invalid_grant");
        (await account.Session.GetAsync("/auth/api-keys"))["data"].GetArrayLength().ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task Polling_too_soon_is_slowed_down_by_five_seconds_each_time(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var device = await Device.BeginAsync(own.Server.Http);
        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");

        own.Clock.Advance(TimeSpan.FromSeconds(4));
        (await device.PollForErrorAsync()).ShouldBe("slow_down");
        own.Clock.Advance(TimeSpan.FromSeconds(9));
        (await device.PollForErrorAsync()).ShouldBe("slow_down");
        own.Clock.Advance(TimeSpan.FromSeconds(15));

        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");
    }

    [Theory, OnBothEngines]
    public async Task A_flood_of_polls_stops_causing_writes_and_still_gets_its_key(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var device = await Device.BeginAsync(own.Server.Http);
        for (var i = 0; i < 30; i++)
            await device.PollForErrorAsync();

        (await own.Store.ReadNumberAsync("select interval_seconds from device_codes")).ShouldBe(60);
        own.Clock.Advance(TimeSpan.FromSeconds(60));
        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");
        await (await Person.SignedInAsync(own.Server, account)).ApproveAsync(device.UserCode);
        (await device.PollAsync()).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_code_expires_after_ten_minutes_and_is_deleted_later(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var (asked, approved) = (await Device.BeginAsync(own.Server.Http), await Device.BeginAsync(own.Server.Http));
        var person = await Person.SignedInAsync(own.Server, account);
        await person.ApproveAsync(approved.UserCode);

        own.Clock.Advance(TimeSpan.FromMinutes(10));

        (await person.OpenAsync(asked.UserCode)).Status.ShouldBe(410);
        await person.ApproveAsync(asked.UserCode);
        (await asked.PollForErrorAsync()).ShouldBe("expired_token");
        (await approved.PollForErrorAsync()).ShouldBe("expired_token");
        own.Clock.Advance(TimeSpan.FromMinutes(61));
        await Device.BeginAsync(own.Server.Http);
        own.Clock.Jump(TimeSpan.FromDays(2));
        await Device.BeginAsync(own.Server.Http);
        (await own.Store.ReadNumberAsync("select count(*) from device_codes")).ShouldBe(2);
        (await asked.PollForErrorAsync()).ShouldBe("invalid_grant");
    }

    [Theory, OnBothEngines]
    public async Task A_device_whose_account_was_deleted_gets_no_key(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var device = await Device.BeginAsync(own.Server.Http);
        await (await Person.SignedInAsync(own.Server, account)).ApproveAsync(device.UserCode);

        await own.Store.ExecuteSqlAsync("update profiles set deleted_at = created_at");

        (await device.PollForErrorAsync()).ShouldBe("access_denied");
        (await own.Store.ReadNumberAsync("select count(*) from api_keys")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task An_OAuth_library_logs_in_with_forms(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var anyone = new Caller(server.Http);
        var begun = await anyone.PostAsync("/auth/device/code", Form(("client_id", "oauth-tool"), ("scope", "quota")));
        Task<Answer> PollAsync() => anyone.PostAsync(
            "/auth/device/token", Form(
                ("grant_type", GrantType), ("device_code", begun["device_code"].GetString()!), ("client_id", "oauth-tool")));

        var pending = await PollAsync();
        await (await Person.SignedInAsync(server, account)).ApproveAsync(begun["user_code"].GetString()!);
        var redeemed = await PollAsync();

        (pending.Status, pending["error"].GetString(), pending.ContentType)
            .ShouldBe((400, "authorization_pending", "application/problem+json"));
        redeemed["access_token"].GetString().ShouldBe(redeemed["api_key"].GetString());
        redeemed["token_type"].GetString().ShouldBe("Bearer");
        redeemed["scope"].GetString().ShouldBe("quota");
        (await new Caller(server.Http, "X-API-Key", redeemed["api_key"].GetString()).GetAsync("/usage"))
            .ShouldBeProblem(403, "scope_missing");
    }

    [Theory, OnBothEngines]
    public async Task Invalid_requests_are_refused_with_the_reason(StorageEngine engine)
    {
        var anyone = new Caller((await servers.OnAsync(engine)).Http);

        (string Path, object Body, int Status, string Code)[] bad =
        [
            ("token", new { device_code = "pyr_dev_unknown" }, 400, "invalid_grant"),
            ("token", new { }, 422, "invalid"),
            ("token", new { device_code = new string('x', 201) }, 422, "invalid"),
            ("token", "[", 400, "malformed"),
            ("token", new StringContent("device_code"), 415, "unsupported_media_type"),
            ("token", Form(("grant_type", GrantType)), 400, "malformed"),
            ("token", Form(("grant_type", "password"), ("device_code", "x")), 400, "unsupported_grant_type"),
            ("token", Form(("device_code", "x"), ("device_code", "y")), 400, "malformed"),
            ("code", new { client_id = new string('x', 101) }, 422, "invalid"),
            ("code", new { client_id = "a\u0000b" }, 422, "invalid"),
            ("code", Form(("client_id", "a\nb")), 422, "invalid"),
            ("code", new { scope = "quota admin" }, 422, "invalid"),
            ("code", new { scope = "keys" }, 422, "invalid"),
            ("code", new { scope = "quota\tmigrate" }, 422, "invalid"),
            ("code", Form(("scope", "openid profile")), 400, "invalid_scope"),
            ("code", Form(("scope", "quota keys")), 400, "invalid_scope"),
        ];
        foreach (var (path, body, status, code) in bad)
        {
            var answer = await anyone.PostAsync($"/auth/device/{path}", body);
            (answer.Status, answer.Code, answer.ContentType).ShouldBe((status, code, "application/problem+json"), answer.Text);
        }
    }

    [Theory, OnBothEngines]
    public async Task Logins_of_an_address_are_limited_per_hour(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:DeviceCodesPerHour"] = "3" });
        var anyone = new Caller(own.Server.Http);

        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => anyone.PostAsync("/auth/device/code")));
        var refused = await anyone.PostAsync("/auth/device/code");

        answers.ShouldAllBe(answer => answer.Status == 200);
        (refused.Status, refused.Code).ShouldBe((429, "rate_limited"));
        refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromHours(1));
        own.Clock.Advance(TimeSpan.FromHours(1));
        (await anyone.PostAsync("/auth/device/code")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task The_audit_log_shows_what_was_approved_and_denied(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var (wanted, unwanted) = (await Device.BeginAsync(server.Http, "laptop"), await Device.BeginAsync(server.Http, "stranger"));
        var person = await Person.SignedInAsync(server, account);

        await person.ApproveAsync(wanted.UserCode);
        await person.DenyAsync(unwanted.UserCode);
        var key = (await wanted.PollAsync())["api_key"].GetString()!;

        var entries = (await account.Session.GetAsync("/audit"))["data"].EnumerateArray()
            .Select(entry => $"{entry.GetProperty("action")} {entry.GetProperty("target")} {entry.GetProperty("address")}").ToList();
        entries.ShouldContain("device.approved laptop 127.0.0.1");
        entries.ShouldContain("device.denied stranger 127.0.0.1");
        entries.ShouldContain($"key.created {key[..20]} 127.0.0.1");
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
}
