using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Accounts;

/// <summary>Somebody signed up with an address that is not theirs, and its owner takes the account over.</summary>
public sealed class AddressProofTests(SharedServers servers)
{
    private const string OwnersPassword = "the owner's own password";

    [Theory, OnBothEngines]
    public async Task Keys_and_sessions_of_who_signed_up_with_anothers_address_do_not_outlive_the_owners_reset(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var attacker = await own.SignUpAsync("owner@example.com");
        var made = await attacker.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "keys", "usage:write", "quota" } });
        var strongest = own.Server.WithKey(made["api_key"].GetString()!);
        (await strongest.StatusAsync()).ShouldBe(200);
        var device = await ApproveAsync(own, attacker);

        await ResetAsync(own, mailbox, "owner@example.com");

        (await attacker.Key.StatusAsync()).ShouldBe(401);
        (await strongest.StatusAsync()).ShouldBe(401);
        (await attacker.Session.StatusAsync()).ShouldBe(401);
        (await device.PollForErrorAsync()).ShouldBe("invalid_grant");
        (await own.Server.LogInAsync("owner@example.com", OwnersPassword)).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from api_keys where revoked_at is null")).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'key.all_revoked'")).ShouldBe(1);
        mailbox.Emails.ShouldContain(email => email.TextBody!.Contains("all its API keys and device logins are", StringComparison.Ordinal));
    }

    [Theory, OnBothEngines]
    public async Task A_confirmation_by_the_mailbox_alone_leaves_nothing_to_who_signed_up(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var attacker = await own.SignUpAsync("owner@example.com");
        var device = await ApproveAsync(own, attacker);
        var token = await mailbox.TokenAsync("owner@example.com", "verify-email");

        (await own.Server.Anonymous.PostAsync("/auth/email/verify", new { token })).Status.ShouldBe(204);

        (await attacker.Key.StatusAsync()).ShouldBe(401);
        (await attacker.Session.StatusAsync()).ShouldBe(401);
        (await device.PollForErrorAsync()).ShouldBe("invalid_grant");
        // Nor does the password, which they know, open the account again.
        (await own.Server.LogInAsync("owner@example.com")).Status.ShouldBe(401);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'password.removed'")).ShouldBe(1);
        await ResetAsync(own, mailbox, "owner@example.com");
        (await own.Server.LogInAsync("owner@example.com", OwnersPassword)).Status.ShouldBe(200);
    }

    /// <summary>The login has read the password before the confirmation, and opens its session after it.</summary>
    [Theory, OnBothEngines]
    public async Task Of_logins_and_a_confirmation_at_once_none_leaves_a_session(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        await own.SignUpAsync("owner@example.com");
        var token = await mailbox.TokenAsync("owner@example.com", "verify-email");

        var logins = Enumerable.Range(0, 8).Select(_ => own.Server.LogInAsync("owner@example.com")).ToList();
        var confirmed = await own.Server.Anonymous.PostAsync("/auth/email/verify", new { token });
        await Task.WhenAll(logins);

        confirmed.Status.ShouldBe(204);
        (await own.Store.ReadNumberAsync("select count(*) from sessions where revoked_at is null")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Who_signed_up_and_reads_the_mailbox_loses_no_key_by_confirming(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var (ada, grace) = (await own.SignUpAsync("ada@example.com"), await own.SignUpAsync("grace@example.com"));
        var token = await mailbox.TokenAsync("ada@example.com", "verify-email");
        var wrong = await own.Server.Anonymous.PostAsync(
            "/auth/email/verify", new { token, password = AccountDriver.WrongPassword });

        (await own.Server.Anonymous.PostAsync("/auth/email/verify", new { token, password = TestAccount.Password })).Status.ShouldBe(204);
        token = await mailbox.TokenAsync("grace@example.com", "verify-email");
        (await grace.Session.PostAsync("/auth/email/verify", new { token })).Status.ShouldBe(204);

        wrong.Status.ShouldBe(422);
        foreach (var caller in new[] { ada.Key, ada.Session, grace.Key, grace.Session })
            (await caller.StatusAsync()).ShouldBe(200);
        await ResetAsync(own, mailbox, "ada@example.com");
        (await ada.Key.StatusAsync()).ShouldBe(200);
        (await ada.Session.StatusAsync()).ShouldBe(401);
    }

    /// <summary>The attacker's own session shows nothing about the mailbox of another account.</summary>
    [Theory, OnBothEngines]
    public async Task A_session_of_another_account_keeps_nothing(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var (attacker, other) = (await own.SignUpAsync("owner@example.com"), await own.SignUpAsync());
        var token = await mailbox.TokenAsync("owner@example.com", "verify-email");

        (await other.Session.PostAsync("/auth/email/verify", new { token })).Status.ShouldBe(204);

        (await attacker.Key.StatusAsync()).ShouldBe(401);
        (await other.Key.StatusAsync()).ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Every_reset_can_revoke_the_keys_as_well(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync("ada@example.com");
        await ConfirmAsync(mailbox, account);
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        var reset = await own.Server.Anonymous.PostAsync(
            "/auth/password/reset", new { token, password = OwnersPassword, revoke_api_keys = true });

        reset.Status.ShouldBe(204);
        (await account.Key.StatusAsync()).ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task A_device_login_approved_by_a_stolen_session_is_not_redeemed_after_a_reset_or_a_password_change(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync("ada@example.com");
        await ConfirmAsync(mailbox, account);

        var device = await ApproveAsync(own, account);
        (await account.Session.ChangePasswordAsync(OwnersPassword)).Status.ShouldBe(204);
        (await device.PollForErrorAsync()).ShouldBe("invalid_grant");

        device = await ApproveAsync(own, account, OwnersPassword);
        await ResetAsync(own, mailbox, account.Email);
        (await device.PollForErrorAsync()).ShouldBe("invalid_grant");
    }

    private static async Task ConfirmAsync(TestMailbox mailbox, TestAccount account)
    {
        var token = await mailbox.TokenAsync(account.Email, "verify-email");
        (await account.Session.PostAsync("/auth/email/verify", new { token })).Status.ShouldBe(204);
    }

    private static async Task ResetAsync(OwnServer own, TestMailbox mailbox, string email)
    {
        await own.Server.ForgetPasswordAsync(email);
        var token = await mailbox.TokenAsync(email, "reset-password");
        (await own.Server.ResetPasswordAsync(token, OwnersPassword)).Status.ShouldBe(204);
    }

    private static async Task<Device> ApproveAsync(OwnServer own, TestAccount account, string password = TestAccount.Password)
    {
        var device = await Device.BeginAsync(own.Server.Http);
        var person = new Person(own.Server);
        (await person.SignInAsync(account.Email, password)).Status.ShouldBe(303);
        (await person.ApproveAsync(device.UserCode)).Status.ShouldBe(303);
        return device;
    }
}
