using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Accounts;

public sealed class SecondFactorTests(SharedServers servers)
{
    private const int Racers = 50;
    private const string Setting = "PYRESOLVE_ENCRYPTION_KEY";

    private static readonly Dictionary<string, string?> Unthrottled = new() { ["PyResolve:LogInFailuresPerAccount"] = "1000000" };

    [Theory, OnBothEngines]
    public async Task It_is_on_once_a_first_code_is_confirmed_and_other_sessions_end(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var other = await own.Server.NewSessionAsync(account);

        var setup = await account.Session.PostAsync("/auth/totp");
        var app = new Authenticator(setup["secret"].GetString()!, own.Clock);
        var wrong = await account.Session.PostAsync("/auth/totp/confirm", new { code = app.WrongCode() });
        var before = await own.Server.LogInAsync(account.Email);
        var confirmed = await account.Session.PostAsync("/auth/totp/confirm", new { code = app.Code() });

        setup["otpauth_url"].GetString().ShouldBe(
            $"otpauth://totp/PyResolve:{Uri.EscapeDataString(account.Email)}?secret={app.Secret}&issuer=PyResolve");
        wrong.ShouldBeProblem(422, "invalid");
        before.Status.ShouldBe(200);
        confirmed["recovery_codes"].EnumerateArray().Select(code => code.GetString()).Distinct().Count().ShouldBe(10);
        confirmed.Headers.CacheControl!.NoStore.ShouldBeTrue();
        (await other.StatusAsync()).ShouldBe(401);
        (await account.Session.StatusAsync()).ShouldBe(200);
        (await account.Key.StatusAsync()).ShouldBe(200);
        (await account.Session.PostAsync("/auth/totp")).ShouldBeProblem(409, "conflict");
        (await account.Session.AuditedAsync()).ShouldContain("totp.enabled");
    }

    [Theory, OnBothEngines]
    public async Task A_login_needs_the_code_beside_the_password(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);

        var without = await secured.LogInAsync(own.Server, code: null);
        var wrong = await secured.LogInAsync(own.Server, secured.App.WrongCode());
        var wrongPassword = await secured.LogInAsync(own.Server, secured.App.Code(), AccountDriver.WrongPassword);
        var right = await secured.LogInAsync(own.Server, secured.App.Code());
        var again = await secured.LogInAsync(own.Server, secured.App.Code());

        without.ShouldBeProblem(401, "totp_required");
        wrong.ShouldBeProblem(401, "totp_required");
        wrongPassword.ShouldBeProblem(401, "unauthenticated");
        right.Status.ShouldBe(200, right.Text);
        again.ShouldBeProblem(401, "totp_required");
        (await own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task Of_50_logins_with_one_code_on_two_instances_one_succeeds(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Unthrottled);
        await using var second = await TestServer.StartAsync(own.Store, Unthrottled, own.Clock);
        var secured = await SecuredAccount.CreateAsync(own);

        foreach (var code in (string[])[secured.App.Code(), secured.RecoveryCodes[3]])
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, Racers).Select(i =>
                secured.LogInAsync(i % 2 == 0 ? own.Server : second, code)));

            answers.Count(answer => answer.Status == 200).ShouldBe(1, code);
            answers.Count(answer => answer.Status == 401).ShouldBe(Racers - 1, code);
        }

        (await own.Store.ReadNumberAsync("select count(*) from recovery_codes where used_at is not null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_clock_may_be_a_step_ahead_or_behind_and_an_older_code_is_not_accepted_after_a_newer(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        own.Clock.Advance(TimeSpan.FromMinutes(5));

        foreach (var steps in (int[])[-2, 2])
            (await secured.LogInAsync(own.Server, secured.App.Code(steps))).Status.ShouldBe(401, $"{steps}");
        foreach (var steps in (int[])[-1, 0, 1])
            (await secured.LogInAsync(own.Server, secured.App.Code(steps))).Status.ShouldBe(200, $"{steps}");
        foreach (var steps in (int[])[-1, 0, 1])
            (await secured.LogInAsync(own.Server, secured.App.Code(steps))).Status.ShouldBe(401, $"{steps}");
    }

    [Theory, OnBothEngines]
    public async Task A_recovery_code_takes_the_place_of_the_app_in_any_spelling(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var typed = secured.RecoveryCodes[0].ToUpperInvariant().Replace('-', ' ');

        var first = await secured.LogInAsync(own.Server, typed);
        var second = await secured.LogInAsync(own.Server, secured.RecoveryCodes[0]);
        var other = await secured.LogInAsync(own.Server, secured.RecoveryCodes[1]);

        (first.Status, second.Status, other.Status).ShouldBe((200, 401, 200));
        (await secured.Account.Session.AuditedAsync()).Count(action => action == "totp.recovery_code_used").ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task Guessing_codes_is_throttled_on_every_instance_as_failed_logins_are(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await using var second = await TestServer.StartAsync(own.Store, clock: own.Clock);
        var secured = await SecuredAccount.CreateAsync(own);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
            secured.LogInAsync(i % 2 == 0 ? own.Server : second, secured.App.WrongCode())));
        var right = await secured.LogInAsync(own.Server, secured.App.Code());

        answers.Count(answer => answer.Status == 401).ShouldBe(20);
        answers.Count(answer => answer.Status == 429).ShouldBe(10);
        right.Status.ShouldBe(429);
        own.Clock.Advance(TimeSpan.FromMinutes(15));
        (await secured.LogInAsync(own.Server, secured.App.Code())).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Turning_it_off_needs_a_code_that_was_not_used_and_guessing_it_is_throttled(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var used = secured.App.Code();
        (await secured.LogInAsync(own.Server, used)).Status.ShouldBe(200);

        (await RemoveAsync(secured, used)).ShouldBeProblem(422, "invalid");
        for (var i = 0; i < 19; i++)
            (await RemoveAsync(secured, secured.App.WrongCode())).Status.ShouldBe(422);
        (await RemoveAsync(secured, secured.RecoveryCodes[0])).Status.ShouldBe(429);
        own.Clock.Advance(TimeSpan.FromMinutes(15));
        (await RemoveAsync(secured, secured.App.Code())).Status.ShouldBe(204);

        (await RemoveAsync(secured, secured.RecoveryCodes[0])).ShouldBeProblem(409, "conflict");
        (await secured.LogInAsync(own.Server, code: null)).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from recovery_codes")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task What_is_stored_is_encrypted_and_a_key_can_be_replaced(StorageEngine engine)
    {
        var (first, later) = (Key(1), Key(2));
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: first);
        var secured = await SecuredAccount.CreateAsync(own);
        await using var other = await TestServer.StartAsync(own.Store, later, own.Clock);
        await using var both = await TestServer.StartAsync(
            own.Store, new Dictionary<string, string?> { [Setting] = $"{later[Setting]}, {first[Setting]}" }, own.Clock);

        (await own.Store.ReadNumberAsync("select length(secret) from second_factors")).ShouldBe(1 + 4 + 12 + 16 + 20);
        (await secured.LogInAsync(other, secured.App.Code())).Status.ShouldBe(401);
        (await secured.LogInAsync(other, secured.RecoveryCodes[0])).Status.ShouldBe(200);
        (await secured.LogInAsync(both, secured.App.Code())).Status.ShouldBe(200);
    }

    [Fact]
    public async Task The_embedded_database_makes_its_key_on_first_use()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        await SecuredAccount.CreateAsync(own);

        (await own.Store.ReadNumberAsync("select length(secret) from second_factors")).ShouldBe(53);
        var file = Path.Combine(own.Store.Settings["PYRESOLVE_DATA"]!, "encryption-key");
        Convert.FromBase64String((await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim()).Length.ShouldBe(32);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory, OnBothEngines]
    public async Task It_leaves_with_its_account(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);

        (await secured.Account.Session.DeleteAccountAsync()).Status.ShouldBe(204);

        (await own.Store.ReadNumberAsync("select count(*) from second_factors")).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from recovery_codes")).ShouldBe(0);
    }

    private static Dictionary<string, string?> Key(byte seed) =>
        new() { [Setting] = Convert.ToBase64String([.. Enumerable.Repeat(seed, 32)]) };

    private static Task<Answer> RemoveAsync(SecuredAccount secured, string code) =>
        secured.Account.Session.SendAsync(HttpMethod.Delete, "/auth/totp", new { code });
}
