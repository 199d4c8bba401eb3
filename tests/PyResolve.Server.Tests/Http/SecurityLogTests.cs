using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Http;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Http;

/// <summary>What an operator and an owner see of an attack.</summary>
public sealed class SecurityLogTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Failed_logins_and_a_throttled_account_are_in_the_log_and_the_owner_sees_them(StorageEngine engine)
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(engine, log);
        var account = await own.SignUpAsync();

        for (var i = 0; i < 4; i++)
            await LogInAsync(own, account.Email);
        await LogInAsync(own, "nobody@example.com");

        log.Lines.Count(line => line.Contains("login_failed", StringComparison.Ordinal)).ShouldBe(4);
        log.Lines.Single(line => line.Contains("throttled", StringComparison.Ordinal)).ShouldContain("/auth/login from 127.0.0.1");
        log.Lines.ShouldAllBe(line => !line.Contains(account.Email, StringComparison.Ordinal));
        await Eventually.HoldsAsync(
            async () =>
            {
                var entries = (await account.Session.GetAsync("/audit"))["data"].EnumerateArray().ToList();
                entries.Count(entry => entry.GetProperty("action").GetString() == "session.refused"
                    && entry.GetProperty("actor").GetString() == "anyone"
                    && entry.GetProperty("address").GetString() == "127.0.0.1").ShouldBe(3);
            },
            cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_wrong_webhook_secret_is_in_the_log_with_the_setting_to_check()
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(StorageEngine.Sqlite, log, BillingServer.Settings);

        var refused = await own.Server.Anonymous.SendAsync(
            HttpMethod.Post, "/webhooks/stripe", "{}", [("Stripe-Signature", "t=1,v1=00")]);

        refused.ShouldBeProblem(400, "malformed");
        log.Lines.Single(line => line.Contains("webhook_signature_refused", StringComparison.Ordinal))
            .ShouldContain("STRIPE_WEBHOOK_SECRET");
    }

    [Fact]
    public async Task Forms_of_other_sites_and_unknown_credentials_are_in_the_log_and_are_counted()
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(StorageEngine.Sqlite, log);
        var counted = new List<string?>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "pyresolve.security.refusals")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (counted)
                counted.Add((string?)tags[0].Value);
        });
        listener.Start();

        await new Person(own.Server).PostAsync(
            new() { ["action"] = "sign-out" }, new() { ["Sec-Fetch-Site"] = "cross-site", ["Origin"] = "https://evil.example" });
        await own.Server.WithKey($"pyr_live_{new string('0', 48)}").GetAsync("/me");
        await new Caller(own.Server.Http, "Authorization", "Bearer pyr_sess_unknown").GetAsync("/me");

        foreach (var (kind, count) in ((string, int)[])[("cross_origin_refused", 1), ("credential_refused", 2)])
        {
            log.Lines.Count(line => line.Contains(kind, StringComparison.Ordinal)).ShouldBe(count, kind);
            lock (counted)
                counted.Count(name => name == kind).ShouldBeGreaterThanOrEqualTo(count, kind);
        }
    }

    [Fact]
    public async Task An_attacker_cannot_fill_the_log()
    {
        using var log = new LogRecorder();
        await using var own = await StartAsync(StorageEngine.Sqlite, log);
        var unknown = own.Server.WithKey($"pyr_live_{new string('0', 48)}");

        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => unknown.GetAsync("/me")));

        Refusals().ShouldBe(SecurityLog.LinesPerWindow);
        own.Clock.Advance(SecurityLog.WindowLength);
        await Eventually.IsTrueAsync(
            () => Refusals() > SecurityLog.LinesPerWindow, cancellationToken: TestContext.Current.CancellationToken);
        log.Lines.Single(line => line.Contains(" more within the last minute", StringComparison.Ordinal))
            .ShouldContain($"{200 - SecurityLog.LinesPerWindow} more");
        await unknown.GetAsync("/me");
        Refusals().ShouldBe(SecurityLog.LinesPerWindow + 2);

        int Refusals() => log.Lines.Count(line => line.Contains("credential_refused", StringComparison.Ordinal));
    }

    private static Task<Answer> LogInAsync(OwnServer own, string email) =>
        own.Server.Anonymous.PostAsync("/auth/login", new { email, password = "a wrong password" });

    private Task<OwnServer> StartAsync(StorageEngine engine, LogRecorder log, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var all = new Dictionary<string, string?>(settings ?? new Dictionary<string, string?>())
        {
            ["Logging:LogLevel:PyResolve.Server.Http"] = "Warning",
            ["PyResolve:LogInFailuresPerAccount"] = "3",
        };
        return OwnServer.StartAsync(
            engine, servers.Postgres, settings: all, replace: services => services.AddSingleton<ILoggerProvider>(log));
    }
}
