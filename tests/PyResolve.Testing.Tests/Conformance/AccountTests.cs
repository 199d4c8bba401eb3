namespace PyResolve.Testing.Tests.Conformance;

public sealed class AccountTests(SharedServers servers)
{
    private const string NewPassword = "another horse, another battery";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task An_account_is_signed_up_once_and_logged_in_to(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client();
        var email = $"Grace-{kind}@Example.com";
        var request = new SignUpRequest { Email = email, Password = TestAccount.Password };

        var signedUp = await client.SignUpAsync(request, Cancellation);
        var loggedIn = await client.LogInAsync(new() { Email = email.ToUpperInvariant(), Password = TestAccount.Password }, Cancellation);

        signedUp.User.ShouldBe(new(signedUp.User.Id, email.ToLowerInvariant(), $"grace-{kind}".ToLowerInvariant(), "free"));
        loggedIn.User.ShouldBe(signedUp.User);
        signedUp.SessionExpiresAt.ShouldBe(subject.Clock.GetUtcNow().AddDays(30), TimeSpan.FromMinutes(1));
        (await FailAsync(client.SignUpAsync(request, Cancellation))).Code.ShouldBe(ProblemCodes.Conflict);
        (await FailAsync(client.SignUpAsync(new() { Email = "no address", Password = "short" }, Cancellation)))
            .Problem.ShouldNotBeNull().Errors.ShouldNotBeNull()
            .Keys.ShouldBe(["email", "password"], ignoreOrder: true);
        (await FailAsync(client.LogInAsync(new() { Email = email, Password = "wrong" }, Cancellation))).Message
            .ShouldBe("Wrong email or password.");
        await client.LogOutAsync(loggedIn.SessionToken, Cancellation);
        (await FailAsync(client.ListApiKeysAsync(loggedIn.SessionToken, Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await client.ListApiKeysAsync(signedUp.SessionToken, Cancellation)).Count.ShouldBe(1);
    }

    [Theory, OnEveryServer]
    public async Task A_session_changes_the_name_and_a_key_cannot(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        (await client.UpdateAccountAsync(new() { Name = " Ada Lovelace " }, account.SessionToken, Cancellation)).Name
            .ShouldBe("Ada Lovelace");

        (await account.Key.SendAsync(HttpMethod.Patch, "/me", new { name = "Eve" })).ShouldBeProblem(403, "scope_missing");
        (await FailAsync(client.UpdateAccountAsync(new() { Name = " " }, account.SessionToken, Cancellation))).Code
            .ShouldBe(ProblemCodes.Invalid);
    }

    [Theory, OnEveryServer]
    public async Task A_changed_password_ends_the_other_sessions(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var other = await client.LogInAsync(new() { Email = account.Email, Password = TestAccount.Password }, Cancellation);

        (await FailAsync(
            client.ChangePasswordAsync(new() { CurrentPassword = "wrong", NewPassword = NewPassword }, account.SessionToken, Cancellation)))
            .Message.ShouldBe("Wrong password.");
        await client.ChangePasswordAsync(
            new() { CurrentPassword = TestAccount.Password, NewPassword = NewPassword }, account.SessionToken, Cancellation);

        (await FailAsync(client.ListAuditEntriesAsync(other.SessionToken, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.Unauthenticated);
        (await client.ListAuditEntriesAsync(account.SessionToken, cancellationToken: Cancellation)).Data[0].Action
            .ShouldBe("password.changed");
        (await client.LogInAsync(new() { Email = account.Email, Password = NewPassword }, Cancellation)).User.Id.ShouldBe(account.UserId);
        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Theory, OnEveryServer]
    public async Task A_lost_password_is_replaced_through_an_email(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client();

        await client.RequestPasswordResetAsync("nobody@example.com", Cancellation);
        await client.RequestPasswordResetAsync(account.Email, Cancellation);
        var token = await subject.ReadEmailAsync(account, "reset-password");
        await client.ResetPasswordAsync(new() { Token = token, Password = NewPassword }, Cancellation);

        (await FailAsync(client.ResetPasswordAsync(new() { Token = token, Password = NewPassword }, Cancellation))).Code
            .ShouldBe(ProblemCodes.Invalid);
        (await FailAsync(client.ListApiKeysAsync(account.SessionToken, Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await client.LogInAsync(new() { Email = account.Email, Password = NewPassword }, Cancellation)).User.Id.ShouldBe(account.UserId);
    }

    [Theory, OnEveryServer]
    public async Task Keys_from_before_the_first_reset_are_revoked(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        await client.RequestPasswordResetAsync(account.Email, Cancellation);
        var token = await subject.ReadEmailAsync(account, "reset-password");

        await client.ResetPasswordAsync(new() { Token = token, Password = NewPassword }, Cancellation);

        (await FailAsync(client.GetAccountAsync(Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await client.LogInAsync(new() { Email = account.Email, Password = NewPassword }, Cancellation)).User.Id.ShouldBe(account.UserId);
    }

    [Theory, OnEveryServer]
    public async Task Sessions_are_listed_and_ended_one_by_one(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client();
        var other = await client.LogInAsync(new() { Email = account.Email, Password = TestAccount.Password }, Cancellation);

        var listed = await client.ListSessionsAsync(account.SessionToken, Cancellation);
        await client.EndSessionAsync(listed.Single(session => !session.Current).Id, account.SessionToken, Cancellation);

        (await FailAsync(client.ListSessionsAsync(other.SessionToken, Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await client.ListSessionsAsync(account.SessionToken, Cancellation)).Single().Current.ShouldBeTrue();
        (await FailAsync(client.EndSessionAsync(Guid.CreateVersion7(), account.SessionToken, Cancellation))).Code
            .ShouldBe(ProblemCodes.NotFound);
    }

    [Theory, OnEveryServer]
    public async Task An_email_address_is_verified_once(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client();
        var token = await subject.ReadEmailAsync(account, "verify-email");

        await client.VerifyEmailAsync(token, Cancellation);

        (await FailAsync(client.VerifyEmailAsync(token, Cancellation))).Problem.ShouldNotBeNull().Errors.ShouldNotBeNull().Keys
            .ShouldBe(["token"]);
    }

    [Theory, OnEveryServer]
    public async Task A_deleted_account_is_gone_with_its_keys_and_sessions(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        (await FailAsync(client.DeleteAccountAsync(new(), account.SessionToken, Cancellation))).Code.ShouldBe(ProblemCodes.Invalid);
        (await FailAsync(client.DeleteAccountAsync(new() { Password = "wrong" }, account.SessionToken, Cancellation))).Code
            .ShouldBe(ProblemCodes.Unauthenticated);
        await client.DeleteAccountAsync(new() { Password = TestAccount.Password }, account.SessionToken, Cancellation);

        (await FailAsync(client.GetAccountAsync(Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await FailAsync(client.ListApiKeysAsync(account.SessionToken, Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await FailAsync(client.LogInAsync(new() { Email = account.Email, Password = TestAccount.Password }, Cancellation))).Code
            .ShouldBe(ProblemCodes.Unauthenticated);
        (await client.SignUpAsync(new() { Email = account.Email, Password = NewPassword }, Cancellation)).User.Id
            .ShouldNotBe(account.UserId);
    }

    [Theory, OnEveryServer]
    public async Task The_audit_log_shows_page_by_page_who_did_what(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        for (var i = 0; i < 27; i++)
        {
            var created = await client.CreateApiKeyAsync(new(), account.SessionToken, Cancellation);
            await client.RevokeApiKeyAsync(created.Id, account.SessionToken, Cancellation);
        }

        var first = await client.ListAuditEntriesAsync(account.SessionToken, cancellationToken: Cancellation);
        var all = await client.EnumerateAuditEntriesAsync(account.SessionToken, Cancellation).ToListAsync(Cancellation);

        (first.Data.Count, all.Count).ShouldBe((50, 55));
        all.Take(2).Select(entry => (entry.Action, entry.Actor)).ShouldBe([("key.revoked", "session"), ("key.created", "session")]);
        (all[^1].Action, all[^1].Actor, all[^1].Target, all[^1].Address)
            .ShouldBe(("account.created", "owner", account.ApiKey[..20], "127.0.0.1"));
    }

    [Theory, OnEveryServer]
    public async Task A_device_gets_a_key_when_a_person_has_approved_it(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var device = subject.Client();

        var login = await device.StartDeviceLogInAsync("my-tool", Cancellation);
        (await FailAsync(device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Code.ShouldBe(ProblemCodes.AuthorizationPending);
        (await FailAsync(device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Code.ShouldBe(ProblemCodes.SlowDown);
        subject.Advance(TimeSpan.FromSeconds(10));
        (await FailAsync(device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Problem.ShouldNotBeNull().Error
            .ShouldBe(ProblemCodes.AuthorizationPending);
        await subject.DecideDevicesAsync(account);
        var redeemed = await device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation);

        (login.ExpiresIn, login.Interval, redeemed.User.Id).ShouldBe((600, 5, account.UserId));
        login.VerificationUriComplete.ShouldBe($"{login.VerificationUri}?user_code={login.UserCode}");
        login.UserCode.ShouldMatch("^[B-Z]{4}-[B-Z]{4}$");
        (await FailAsync(device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Code.ShouldBe(ProblemCodes.InvalidGrant);
        await using var client = subject.ClientWithKey(redeemed.ApiKey);
        (await client.ListApiKeysAsync(account.SessionToken, Cancellation))[0].Name.ShouldBe("my-tool");
        (await client.GetAccountAsync(Cancellation)).UserId.ShouldBe(account.UserId);
    }

    [Theory, OnEveryServer]
    public async Task A_device_that_a_person_denied_gets_no_key(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var device = subject.Client();
        var login = await device.StartDeviceLogInAsync(cancellationToken: Cancellation);

        await subject.DecideDevicesAsync(account, approve: false);

        (await FailAsync(device.WaitForDeviceLogInAsync(login with { Interval = 1 }, Cancellation))).Code
            .ShouldBe(ProblemCodes.AccessDenied);
    }

    [Theory, OnEveryServer]
    public async Task A_server_that_takes_no_new_accounts_says_so(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind, isSignUpOpen: false);
        await using var client = subject.Client();

        var exception = await FailAsync(client.SignUpAsync(new() { Email = "late@example.com", Password = NewPassword }, Cancellation));

        (exception.Status, exception.Code).ShouldBe((403, ProblemCodes.SignUpClosed));
    }

    [Theory, OnEveryServer]
    public async Task A_device_login_without_a_decision_expires(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var device = subject.Client();
        var login = await device.StartDeviceLogInAsync(cancellationToken: Cancellation);

        subject.Advance(TimeSpan.FromMinutes(10));

        (await FailAsync(device.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Code.ShouldBe(ProblemCodes.ExpiredToken);
        (await FailAsync(device.RedeemDeviceCodeAsync("unknown", Cancellation))).Code.ShouldBe(ProblemCodes.InvalidGrant);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
