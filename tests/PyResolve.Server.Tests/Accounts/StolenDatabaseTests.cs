using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Identity;

namespace PyResolve.Server.Tests.Accounts;

public sealed class StolenDatabaseTests(SharedServers servers)
{
    private const string Mistyped = "correct horse battery stable";
    private const string SecondPassword = "the second password of Ada";
    private const string ThirdPassword = "the third password of Ada";
    private const string SupabaseSecret = "super-secret-jwt-token-with-at-least-32-characters-long";

    [Theory, OnBothEngines]
    public async Task A_stolen_database_holds_no_secret_in_any_recoverable_form(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        var settings = new Dictionary<string, string?>(mailbox.Settings) { ["SUPABASE_JWT_SECRET"] = SupabaseSecret };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);
        var (account, secrets) = await LiveAsync(own, mailbox);

        var dump = await DatabaseDump.OfAsync(own.Store);

        // It is the right database, and it is searched as it should be.
        dump.Contains(account.ApiKey[..20]).ShouldBeTrue();
        dump.Contains("stays@example.com").ShouldBeTrue();
        foreach (var (name, secret) in secrets)
            dump.Find(secret).ShouldBeNull($"{name} is in the database");
        foreach (var password in new[] { TestAccount.Password, Mistyped, SecondPassword, ThirdPassword })
            dump.FindGuessable(password).ShouldBeNull($"the password '{password}' is in the database");
    }

    [Theory, OnBothEngines]
    public async Task The_search_finds_each_form_that_it_looks_for(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        foreach (var (name, bytes) in DatabaseDump.Forms(account.ApiKey).Where(form => form.Bytes.All(value => value is > 0 and < 128)))
        {
            var text = System.Text.Encoding.ASCII.GetString(bytes).Replace("'", "''", StringComparison.Ordinal);
            await own.Store.ExecuteSqlAsync($"update profiles set name = 'a{text}z'");

            (await DatabaseDump.OfAsync(own.Store)).Find(account.ApiKey).ShouldNotBeNull(name);
        }
    }

    /// <summary>Everything that an account can go through, and every secret that was met on the way.</summary>
    private static async Task<(TestAccount Account, Dictionary<string, string> Secrets)> LiveAsync(OwnServer own, TestMailbox mailbox)
    {
        var account = await own.SignUpAsync();
        await own.SignUpAsync("stays@example.com");
        var secrets = new Dictionary<string, string>
        {
            ["the first key"] = account.ApiKey,
            ["the first session"] = account.SessionToken,
            ["Supabase's secret"] = SupabaseSecret,
            ["the verification token"] = await mailbox.TokenAsync(account.Email, "verify-email"),
        };
        await account.Key.PostAsync("/usage", new { event_type = "scan" });
        await new Caller(own.Server.Http).PostAsync("/auth/email/verify", new { token = secrets["the verification token"] });

        var made = await account.Session.PostAsync("/auth/api-keys", new { name = "second" });
        secrets["the second key"] = made["api_key"].GetString()!;
        secrets["the rotated key"] = (await account.Session.PostAsync($"/auth/api-keys/{made.Id()}/rotate", new { grace_seconds = 60 }))["api_key"].GetString()!;

        (await own.Server.LogInAsync(account.Email, Mistyped)).Status.ShouldBe(401);
        secrets["the second session"] = (await own.Server.LogInAsync(account.Email))["session_token"].GetString()!;
        (await account.Session.ChangePasswordAsync(SecondPassword)).Status.ShouldBe(204);

        await own.Server.ForgetPasswordAsync(account.Email);
        secrets["the used reset token"] = await mailbox.TokenAsync(account.Email, "reset-password");
        (await own.Server.ResetPasswordAsync(secrets["the used reset token"], ThirdPassword)).Status.ShouldBe(204);
        await own.Server.ForgetPasswordAsync(account.Email);
        secrets["the unused reset token"] = await mailbox.TokenAsync(account.Email, "reset-password", count: 2);

        await using var issuer = await TestIssuer.StartAsync(own.Clock);
        var token = IssuerKey.Hmac("", System.Text.Encoding.UTF8.GetBytes(SupabaseSecret)).Sign(issuer.SupabaseClaims(Guid.CreateVersion7()));
        (await new Caller(own.Server.Http, "Authorization", $"Bearer {token}").StatusAsync()).ShouldBe(200);
        secrets["an external token"] = token;

        var leaving = await own.SignUpAsync();
        (await leaving.Session.DeleteAccountAsync()).Status.ShouldBe(204);
        secrets["the key of a deleted account"] = leaving.ApiKey;
        return (account, secrets);
    }
}
