using PyResolve.Server.Keys;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Identity;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Does everything that an account can do, then searches the whole store for every secret that was used.</summary>
public sealed class StolenDatabaseTests(SharedServers servers)
{
    private const string Mistyped = "correct horse battery stable";
    private const string SecondPassword = "the second password of Ada";
    private const string ThirdPassword = "the third password of Ada";
    private const string SupabaseSecret = "super-secret-jwt-token-with-at-least-32-characters-long";

    /// <summary>The random secrets by name.</summary>
    private readonly Dictionary<string, string> _secrets = new() { ["Supabase's secret"] = SupabaseSecret };

    /// <summary>Secrets so short that they can be guessed from a plain digest.</summary>
    private readonly List<string> _codes = [];

    [Theory, OnBothEngines]
    public async Task A_stolen_database_contains_no_secret_in_any_recoverable_form(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        var settings = new Dictionary<string, string?>(mailbox.Settings)
        {
            ["SUPABASE_JWT_SECRET"] = SupabaseSecret, ["PYRESOLVE_SIGNUP"] = "open",
        };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);
        await own.SignUpAsync("stays@example.com");
        var account = await own.SignUpAsync();
        await LiveWithKeysAsync(own, account);
        await LogInDevicesAsync(own, account);
        await LiveWithPasswordsAsync(own, mailbox, account);
        await LeaveAsync(own);

        var dump = await DatabaseDump.OfAsync(own.Store);

        // The database is the right one, and the search works.
        dump.Contains(account.ApiKey[..20]).ShouldBeTrue();
        dump.Contains("stays@example.com").ShouldBeTrue();
        _secrets.Count.ShouldBe(21);
        foreach (var (name, secret) in _secrets)
            dump.Find(secret).ShouldBeNull($"{name} is in the database");
        foreach (var password in new[] { TestAccount.Password, Mistyped, SecondPassword, ThirdPassword })
            dump.FindGuessable(password).ShouldBeNull($"the password '{password}' is in the database");
        foreach (var code in _codes.SelectMany(code => new[] { code, code.Replace("-", "") }))
            dump.FindCode(code).ShouldBeNull($"the code {code} is in the database");
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

    private async Task LiveWithKeysAsync(OwnServer own, TestAccount account)
    {
        _secrets["the first key"] = account.ApiKey;
        _secrets["the first session"] = account.SessionToken;
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        var made = await account.Session.PostAsync("/auth/api-keys", new { name = "second" });
        _secrets["the second key"] = made["api_key"].GetString()!;
        var rotated = await account.Session.PostAsync($"/auth/api-keys/{made.Id()}/rotate", new { grace_seconds = 60 });
        _secrets["the rotated key"] = rotated["api_key"].GetString()!;
        var leaked = await account.Session.PostAsync("/auth/api-keys", new { name = "leaked" });
        _secrets["the leaked key"] = leaked["api_key"].GetString()!;
        (await own.Server.Anonymous.PostAsync("/auth/api-keys/report-leak", new { api_key = _secrets["the leaked key"] })).Status.ShouldBe(
            202);

        var guess = $"{account.ApiKey[..20]}{new string('7', 37)}";
        _secrets["a wrong key"] = guess;
        (await own.Server.WithKey(guess).StatusAsync()).ShouldBe(401);
        (await own.Server.Anonymous.PostAsync("/auth/api-keys/report-leak", new { api_key = guess })).Status.ShouldBe(202);

        // As create_api_key makes one: a hash and no digest, until it is used.
        var bySql = ApiKeyFormat.Create();
        _secrets["a key made by SQL"] = bySql;
        _secrets["a key made by SQL and not used"] = ApiKeyFormat.Create();
        foreach (var key in new[] { bySql, _secrets["a key made by SQL and not used"] })
        {
            await own.Store.ExecuteSqlAsync($"""
                insert into api_keys (id, user_id, key_hash, key_prefix, created_at)
                select '{Guid.CreateVersion7(own.Clock.GetUtcNow())}', user_id, '{KeyHash.Create(key)}', '{key[..20]}', created_at
                from api_keys where key_prefix = '{account.ApiKey[..20]}'
                """);
        }

        (await own.Server.WithKey(bySql).StatusAsync()).ShouldBe(200);
        (await own.Server.WithKey($"{_secrets["a key made by SQL and not used"][..20]}{new string('8', 37)}").StatusAsync()).ShouldBe(401);
    }

    private async Task LogInDevicesAsync(OwnServer own, TestAccount account)
    {
        var person = await Person.SignedInAsync(own.Server, account);
        _secrets["the page's session"] = person.Cookie!.Split('=')[1];
        var devices = new List<Device>();
        foreach (var state in new[] { "pending", "approved", "denied", "redeemed" })
        {
            var device = await Device.BeginAsync(own.Server.Http);
            _secrets[$"the {state} device's code"] = device.DeviceCode;
            _codes.Add(device.UserCode);
            devices.Add(device);
        }

        await person.OpenAsync(devices[0].UserCode);
        await person.ApproveAsync(devices[1].UserCode);
        await person.DenyAsync(devices[2].UserCode);
        await person.ApproveAsync(devices[3].UserCode);
        _secrets["the device's key"] = (await devices[3].PollAsync())["api_key"].GetString()!;
    }

    private async Task LiveWithPasswordsAsync(OwnServer own, TestMailbox mailbox, TestAccount account)
    {
        _secrets["the verification token"] = await mailbox.TokenAsync(account.Email, "verify-email");
        (await account.Session.PostAsync("/auth/email/verify", new { token = _secrets["the verification token"] })).Status
            .ShouldBe(204);
        (await own.Server.LogInAsync(account.Email, Mistyped)).Status.ShouldBe(401);
        _secrets["the second session"] = (await own.Server.LogInAsync(account.Email))["session_token"].GetString()!;
        (await account.Session.ChangePasswordAsync(SecondPassword)).Status.ShouldBe(204);

        await own.Server.ForgetPasswordAsync(account.Email);
        _secrets["the used reset token"] = await mailbox.TokenAsync(account.Email, "reset-password");
        (await own.Server.ResetPasswordAsync(_secrets["the used reset token"], ThirdPassword)).Status.ShouldBe(204);
        await own.Server.ForgetPasswordAsync(account.Email);
        _secrets["the unused reset token"] = await mailbox.TokenAsync(account.Email, "reset-password", count: 2);

        await using var issuer = await TestIssuer.StartAsync(own.Clock);
        var token = IssuerKey.Hmac("", System.Text.Encoding.UTF8.GetBytes(SupabaseSecret))
            .Sign(issuer.SupabaseClaims(Guid.CreateVersion7(own.Clock.GetUtcNow())));
        (await new Caller(own.Server.Http, "Authorization", $"Bearer {token}").StatusAsync()).ShouldBe(200);
        _secrets["an external token"] = token;
    }

    private async Task LeaveAsync(OwnServer own)
    {
        var leaving = await own.SignUpAsync();
        (await leaving.Session.DeleteAccountAsync()).Status.ShouldBe(204);
        _secrets["the key of a deleted account"] = leaving.ApiKey;
    }
}
