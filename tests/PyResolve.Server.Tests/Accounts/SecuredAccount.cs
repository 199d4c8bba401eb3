namespace PyResolve.Server.Tests.Accounts;

/// <summary>An account with a second factor.</summary>
internal sealed record SecuredAccount(TestAccount Account, Authenticator App, IReadOnlyList<string> RecoveryCodes)
{
    /// <summary>Moves the clock a step on, because the code of the set-up is used.</summary>
    public static async Task<SecuredAccount> CreateAsync(OwnServer own)
    {
        var account = await own.SignUpAsync();
        var setup = await account.Session.PostAsync("/auth/totp");
        setup.Status.ShouldBe(200, setup.Text);
        var app = new Authenticator(setup["secret"].GetString()!, own.Clock);
        var confirmed = await account.Session.PostAsync("/auth/totp/confirm", new { code = app.Code() });
        confirmed.Status.ShouldBe(200, confirmed.Text);
        own.Clock.Advance(TimeSpan.FromSeconds(60));
        return new(account, app, [.. confirmed["recovery_codes"].EnumerateArray().Select(code => code.GetString()!)]);
    }

    public Task<Answer> LogInAsync(TestServer server, string? code, string password = TestAccount.Password) =>
        server.Anonymous.PostAsync("/auth/login", code is null
            ? new { email = Account.Email, password }
            : new { email = Account.Email, password, code });
}
