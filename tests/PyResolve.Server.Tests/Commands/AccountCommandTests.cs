using System.Text.Json;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Commands;

/// <summary>The way out of each state that a person can get into.</summary>
public sealed class AccountCommandTests(SharedServers servers)
{
    private const string NewPassword = "a much better password";

    private static readonly Dictionary<string, string?> Closed = new() { ["PYRESOLVE_SIGNUP"] = "closed" };

    [Theory, OnBothEngines]
    public async Task A_closed_server_without_mail_can_take_somebody_in(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Closed);

        var invited = (await RunAsync(own, "accounts", "invite", "Ada@Example.com", "--name", "Ada", "--hours", "48", "--json"))
            .OrThrow("invite");

        var body = JsonDocument.Parse(invited.Output).RootElement;
        body.GetProperty("email").GetString().ShouldBe("ada@example.com");
        body.GetProperty("emailed").GetBoolean().ShouldBeFalse();
        (body.GetProperty("expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow()).ShouldBeInRange(
            TimeSpan.FromHours(47), TimeSpan.FromHours(49));
        (await own.Server.LogInAsync("ada@example.com", NewPassword)).Status.ShouldBe(401);
        var token = TokenOf(body.GetProperty("url").GetString()!);
        // The command's clock is the machine's, which the server's clock of this test is far behind.
        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(204);
        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(422);
        (await own.Server.LogInAsync("ada@example.com", NewPassword))["user"].GetProperty("name").GetString().ShouldBe("Ada");
        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(0);
        (await own.Store.ReadNumberAsync(
            "select count(*) from audit_log where actor = 'operator' and action in ('account.created', 'account.invited')")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_lost_second_factor_is_reset_and_the_log_says_so(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var email = secured.Account.Email;

        var reset = (await RunAsync(own, "accounts", "reset-second-factor", email)).OrThrow("reset");
        var again = (await RunAsync(own, "accounts", "reset-second-factor", email, "--json")).OrThrow("reset");

        reset.Output.ShouldContain($"Turned the second factor of {email} off.");
        JsonDocument.Parse(again.Output).RootElement.GetProperty("reset").GetBoolean().ShouldBeFalse();
        (await secured.LogInAsync(own.Server, code: null)).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where actor = 'operator' and action = 'totp.reset'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task An_invitation_can_be_made_again_until_it_is_used(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Closed);
        (await RunAsync(own, "accounts", "invite", "ada@example.com")).OrThrow("invite").Output.ShouldContain("works once, until");

        var again = (await RunAsync(own, "accounts", "invite", "ada@example.com", "--json")).OrThrow("invite");
        var url = JsonDocument.Parse(again.Output).RootElement.GetProperty("url").GetString()!;
        (await own.Server.ResetPasswordAsync(TokenOf(url), NewPassword)).Status.ShouldBe(204);

        var third = await RunAsync(own, "accounts", "invite", "ada@example.com");
        third.ExitCode.ShouldBe(1);
        third.Error.ShouldContain("accounts reset-password ada@example.com");
    }

    [Theory, OnBothEngines]
    public async Task An_invitation_is_emailed_where_there_is_a_mail_server_and_its_use_verifies_the_address(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings, clock: Now());

        (await RunAsync(own, mailbox.Settings, "accounts", "invite", "ada@example.com")).OrThrow("invite").Output
            .ShouldContain("by email");

        await Eventually.IsTrueAsync(
            () =>
            {
                own.Clock.Advance(TimeSpan.FromSeconds(5));
                return mailbox.Links("ada@example.com", "reset-password").Count == 1;
            },
            cancellationToken: TestContext.Current.CancellationToken);
        var token = mailbox.Links("ada@example.com", "reset-password").Single();
        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(204);
        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task An_account_is_created_with_a_password_that_is_generated_or_given(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Closed);

        var created = (await RunAsync(own, "accounts", "create", "ada@example.com", "--json")).OrThrow("create");
        var taken = await RunAsync(own, "accounts", "create", "ADA@example.com.");
        var invalid = await RunAsync(own, "accounts", "create", "ada@example..com");

        var password = JsonDocument.Parse(created.Output).RootElement.GetProperty("password").GetString()!;
        (await own.Server.LogInAsync("ada@example.com", password)).Status.ShouldBe(200);
        taken.ExitCode.ShouldBe(1);
        taken.Error.ShouldContain("already");
        invalid.ExitCode.ShouldBe(2);
        invalid.Error.ShouldContain("must be an email address");
    }

    [Theory, OnBothEngines]
    public async Task A_forgotten_password_is_not_final_without_a_mail_server(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");

        var made = (await RunAsync(own, "accounts", "reset-password", account.UserId.ToString(), "--json")).OrThrow("reset-password");

        (await account.Session.StatusAsync()).ShouldBe(200);
        var url = JsonDocument.Parse(made.Output).RootElement.GetProperty("url").GetString()!;
        (await own.Server.ResetPasswordAsync(TokenOf(url), NewPassword)).Status.ShouldBe(204);
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await own.Server.LogInAsync("ada@example.com", NewPassword)).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'password.reset_link_made'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task An_address_can_be_changed_and_links_to_the_old_one_die(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings, clock: Now());
        var account = await own.SignUpAsync("ada@example.com");
        await own.SignUpAsync("taken@example.com");
        await own.Server.ForgetPasswordAsync("ada@example.com");
        var old = await mailbox.TokenAsync("ada@example.com", "reset-password");

        var changed = await RunAsync(own, mailbox.Settings, "accounts", "set-email", "ada@example.com", "Countess@Example.com", "--json");
        var taken = await RunAsync(own, "accounts", "set-email", "countess@example.com", "TAKEN@example.com");

        var body = JsonDocument.Parse(changed.OrThrow("set-email").Output).RootElement;
        (body.GetProperty("email").GetString(), body.GetProperty("email_verified").GetBoolean()).ShouldBe(("countess@example.com", false));
        taken.ExitCode.ShouldBe(1);
        (await own.Server.ResetPasswordAsync(old, NewPassword)).Status.ShouldBe(422);
        (await own.Server.LogInAsync("ada@example.com")).Status.ShouldBe(401);
        (await own.Server.LogInAsync("countess@example.com"))["user"].GetProperty("id").GetGuid().ShouldBe(account.UserId);
        (await account.Key.StatusAsync()).ShouldBe(200);
        (await RunAsync(own, "accounts", "set-email", "countess@example.com", "lady@example.com", "--verified")).OrThrow("set-email");
        (await own.Store.ReadNumberAsync(
            "select count(*) from profiles where email = 'lady@example.com' and email_verified_at is not null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Keys_are_listed_without_secrets_and_revoked_by_prefix(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");
        var second = (await account.Session.PostAsync("/auth/api-keys", new { name = "laptop" }))["api_key"].GetString()!;

        var listed = (await RunAsync(own, "keys", "list", "ada@example.com", "--json")).OrThrow("keys list");
        (await RunAsync(own, "keys", "revoke", account.ApiKey[..20])).OrThrow("keys revoke");
        (await RunAsync(own, "keys", "revoke", second, "--json")).OrThrow("keys revoke").Output.ShouldNotContain(second);

        listed.Output.ShouldNotContain(account.ApiKey);
        JsonDocument.Parse(listed.Output).RootElement.GetProperty("data").EnumerateArray()
            .Select(key => key.GetProperty("prefix").GetString()).ShouldBe([second[..20], account.ApiKey[..20]], ignoreOrder: true);
        await Eventually.IsTrueAsync(
            async () => await account.Key.StatusAsync() == 401 && await own.Server.WithKey(second).StatusAsync() == 401,
            cancellationToken: TestContext.Current.CancellationToken);
        (await RunAsync(own, "keys", "list", "ada@example.com")).OrThrow("keys list").Output.ShouldNotContain("laptop");
        (await RunAsync(own, "keys", "list", "ada@example.com", "--all")).OrThrow("keys list").Output.ShouldContain("laptop");
        var unknown = await RunAsync(own, "keys", "revoke", "pyr_live_00000000000");
        (unknown.ExitCode, unknown.Error.Trim()).ShouldBe(
            (1, "There is no such API key. The command 'keys list <account>' shows the prefix of each."));
    }

    [Theory, OnBothEngines]
    public async Task Sessions_end_and_with_them_what_they_approved(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, clock: Now());
        var account = await own.SignUpAsync("ada@example.com");
        var device = await Device.BeginAsync(own.Server.Http);
        (await (await Person.SignedInAsync(own.Server, account)).ApproveAsync(device.UserCode)).Status.ShouldBe(303);

        var ended = (await RunAsync(own, "sessions", "end", "ada@example.com", "--json")).OrThrow("sessions end");

        JsonDocument.Parse(ended.Output).RootElement.GetProperty("ended").GetInt64().ShouldBe(2);
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await account.Key.StatusAsync()).ShouldBe(200);
        (await device.PollForErrorAsync()).ShouldBe("invalid_grant");
    }

    [Theory, OnBothEngines]
    public async Task A_deleted_account_is_gone_for_its_owner_and_its_usage_stays(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, clock: Now());
        var account = await own.SignUpAsync("ada@example.com");
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);

        (await RunAsync(own, "accounts", "delete", "ada@example.com")).OrThrow("delete").Output.Trim()
            .ShouldBe("Deleted ada@example.com.");

        await Eventually.IsTrueAsync(
            async () => await account.Key.StatusAsync() == 401, cancellationToken: TestContext.Current.CancellationToken);
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await own.Server.LogInAsync("ada@example.com")).Status.ShouldBe(401);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1);
        (await own.Store.ReadNumberAsync(
            "select count(*) from audit_log where actor = 'operator' and action = 'account.deleted'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task An_export_has_everything_about_a_person_and_no_secret(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");
        await own.SignUpAsync("grace@example.com");
        (await account.Key.PostAsync(
            "/usage", new { event_type = "migration", tier = "tier1", library = "pydantic", metadata = new { a = 1 } })).Status
            .ShouldBe(200);
        (await account.ReserveAsync()).Status.ShouldBe(201);

        var exported = (await RunAsync(own, "accounts", "export", "ada@example.com", "--json")).OrThrow("export");

        var body = JsonDocument.Parse(exported.Output).RootElement;
        body.GetProperty("account").GetProperty("email").GetString().ShouldBe("ada@example.com");
        body.GetProperty("events")[0].GetProperty("metadata").GetProperty("a").GetInt32().ShouldBe(1);
        body.GetProperty("usage")[0].GetProperty("migrations").GetInt64().ShouldBe(1);
        body.GetProperty("api_keys").GetArrayLength().ShouldBe(1);
        body.GetProperty("sessions").GetArrayLength().ShouldBe(1);
        body.GetProperty("reservations").GetArrayLength().ShouldBe(1);
        body.GetProperty("audit").GetArrayLength().ShouldBe(1);
        exported.Output.ShouldNotContain(account.ApiKey);
        exported.Output.ShouldNotContain("grace");
        exported.Output.ShouldNotContain("$2a$");
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'account.exported'")).ShouldBe(1);
    }

    [Fact]
    public async Task An_account_that_does_not_exist_is_named_by_each_command()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        foreach (var command in new string[][]
        {
            ["accounts", "reset-password", "nobody@example.com"],
            ["accounts", "set-email", "nobody@example.com", "x@example.com"],
            ["accounts", "delete", "nobody@example.com"],
            ["accounts", "export", "nobody@example.com"],
            ["keys", "list", "nobody@example.com"],
            ["sessions", "end", "nobody@example.com"],
        })
        {
            var result = await RunAsync(own, command);
            (result.ExitCode, result.Error.Trim()).ShouldBe(
                (1, "There is no account nobody@example.com. The command 'accounts list' shows them all."), string.Join(' ', command));
        }
    }

    [Fact]
    public async Task The_list_of_accounts_is_readable_by_programs()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");

        var listed = (await RunAsync(own, "accounts", "list", "--json")).OrThrow("accounts list");
        var planned = (await RunAsync(own, "accounts", "set-plan", "ada@example.com", "pro", "--json")).OrThrow("set-plan");

        var entry = JsonDocument.Parse(listed.Output).RootElement.GetProperty("data")[0];
        entry.GetProperty("id").GetGuid().ShouldBe(account.UserId);
        entry.GetProperty("plan").GetString().ShouldBe("free");
        JsonDocument.Parse(planned.Output).RootElement.GetProperty("plan").GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task Credits_are_given_and_the_log_says_why(StorageEngine engine)
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:Plans:pro:Credits"] = "true" };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings, clock: Now());
        var account = await own.SignUpAsync("ada@example.com");
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");

        var given = (await RunAsync(
            own, settings, "accounts", "grant-credits", "ada@example.com", "50", "--reason", "outage", "--json")).OrThrow("grant-credits");
        var refused = await RunAsync(own, settings, "accounts", "grant-credits", "ada@example.com", "0", "--reason", "outage");
        var without = await RunAsync(own, "accounts", "grant-credits", "ada@example.com", "50", "--reason", "outage");

        JsonDocument.Parse(given.Output).RootElement.GetProperty("credits").GetInt32().ShouldBe(50);
        (refused.ExitCode, without.ExitCode).ShouldBe((2, 2));
        without.Error.ShouldContain("No plan draws on credits");
        (await account.Key.GetAsync("/quota"))["credits"].GetInt64().ShouldBe(50);
        (await own.Store.ReadNumberAsync(
            "select count(*) from audit_log where action = 'account.credits_granted' and target = '50' and reason = 'outage'")).ShouldBe(1);
    }

    [Fact]
    public async Task Credits_with_a_reference_are_given_once_and_a_plan_that_draws_none_is_named()
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:Plans:pro:Credits"] = "true" };
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings, clock: Now());
        await own.SignUpAsync("ada@example.com");
        string[] command = ["accounts", "grant-credits", "ada@example.com", "50", "--reason", "outage", "--reference", "outage of May"];

        var given = (await RunAsync(own, settings, command)).OrThrow("grant-credits");
        var again = (await RunAsync(own, settings, command)).OrThrow("grant-credits");

        given.Error.ShouldContain("The free plan draws on no credits");
        again.Output.ShouldContain("nothing is added");
        (await own.Store.ReadNumberAsync("select sum(units) from credit_grants")).ShouldBe(50);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'account.credits_granted'")).ShouldBe(1);
    }

    private static string TokenOf(string url) => url.Split("token=")[1];

    /// <summary>The commands are other processes, with the machine's clock.</summary>
    private static TestClock Now() => new(TimeProvider.System.GetUtcNow());

    private static Task<CommandResult> RunAsync(OwnServer own, params string[] command) =>
        RunAsync(own, new Dictionary<string, string?>(), command);

    private static Task<CommandResult> RunAsync(OwnServer own, Dictionary<string, string?> settings, params string[] command) =>
        ServerProcess.RunAsync(
            command,
            new Dictionary<string, string?>(own.Store.Settings.Concat(
                settings.Select(setting => KeyValuePair.Create(setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value)))),
            TestContext.Current.CancellationToken);
}
