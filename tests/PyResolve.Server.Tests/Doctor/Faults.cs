using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Doctor;

/// <summary><c>Text</c> and <c>Fix</c>: parts of what the doctor says.</summary>
internal sealed record Fault(
    string Name, Func<FaultyServer, Task> PlantAsync, string Text, string Fix, StorageEngine Engine = StorageEngine.Sqlite)
{
    private const string Closed = "http://127.0.0.1:1";

    /// <summary>An address that nobody has, of a network for documentation.</summary>
    private const string Nowhere = "192.0.2.1";

    public static IReadOnlyDictionary<string, Fault> All { get; } = new Fault[]
    {
        new("a misspelt setting", Setting("PYRESOLVE_SINGUP", "closed"), "PYRESOLVE_SINGUP is not known",
            "Did you mean PYRESOLVE_SIGNUP?"),
        new("no public address", Setting("urls", "http://0.0.0.0:8000"), "links in emails lead to the wrong place",
            "Set PYRESOLVE_PUBLIC_URL"),
        new("a public address without TLS", Setting("PYRESOLVE_PUBLIC_URL", $"http://{Nowhere}"), "without TLS", "its https address"),
        new("a proxy that is not trusted", Setting("PYRESOLVE_PUBLIC_URL", $"https://{Nowhere}"), "none is trusted",
            "Set PyResolve:TrustedProxies to the proxy's address"),
        new("a proxy that anybody can be", Setting("PyResolve:TrustedProxies", "0.0.0.0/0"), "trusts every address",
            "to the proxy's own address or network"),
        new("a public name that is not known", BehindProxy("https://billing.example.invalid"), "is not known to this machine",
            "add the name to DNS"),
        new("another program at the public address", AnotherProgramAsync, "answers another program", "where the proxy leads to"),
        new("a certificate that nobody trusts", UntrustedCertificateAsync, "No valid certificate",
            "from an issuer that this machine trusts"),
        new("a file in the folder's place", FolderIsAFileAsync, "is a file, not a folder", "Set PYRESOLVE_DATA to a folder"),
        new("a folder that others may write to", Mode("", "777"), "Other users of this machine may write to", "chmod 700 "),
        new("a key that others may read", OpenKeyAsync, "Other users of this machine may read", "chmod 600 "),
        new("a damaged database", DamagedAsync, "restore a backup", "make sure that its disk works"),
        new("no schema", Sql("drop table schema_versions"), "has no schema yet", "Run the server's command migrate-schema."),
        new("an old schema", Sql("delete from schema_versions where version = (select max(version) from schema_versions)"),
            "this server needs", "run the server's command migrate-schema."),
        new("a schema from the future", Sql(
            """
            insert into schema_versions (version, name, compatible_from, applied_at)
            select 9999, 'x', 9999, max(applied_at) from schema_versions
            """), "needs a server of schema version 9999", "Upgrade the server."),
        new("a clock that is behind", Sql(
            """
            insert into audit_log (user_id, id, at, actor, action)
            values ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-7fff-bfff-000000000001', (unixepoch() + 7200) * 1000000, 'x', 'x')
            """), "minutes after now", "Let NTP set the clocks"),
        new("a plan that the catalogue does not have", Account("plan", "'gold-2025'"), "gold-2025 (1 accounts)",
            "Add them to the catalogue"),
        new("a plan that comes next and that the catalogue does not have", Account("plan, plan_then", "'pro', 'gold-2025'"),
            "gold-2025 (1 accounts)", "Add them to the catalogue", StorageEngine.Postgres),
        new("a plan of an operator that the catalogue does not have", Account("plan, plan_override", "'pro', 'gold-2025'"),
            "gold-2025 (1 accounts)", "Add them to the catalogue"),
        new("a mail server that refuses", Mail("127.0.0.1", "1"), "The mail server 127.0.0.1:1 cannot be reached", "PyResolve:Smtp:Host"),
        new("a mail server without TLS", MailWithoutTlsAsync, "cannot be reached", "PyResolve:Smtp:Host, Port, Tls"),
        new("a mail folder that is a file", MailFolderIsAFileAsync, "cannot be written to", "Set PyResolve:EmailFolder"),
        new("Stripe that does not answer", StripeIsAwayAsync, "Stripe", "STRIPE_API_BASE"),
        new("an issuer that does not answer", IssuerIsAwayAsync, "nobody can sign in through", "Correct PyResolve:Oidc:0:Issuer"),
        new("a database that is away", Setting("DATABASE_URL", "postgres://ann@127.0.0.1:1/billing"), "The database does not answer.",
            "Correct DATABASE_URL"),
        new("a database name that is not there", OtherDatabaseAsync, "There is no database of the name", "Correct DATABASE_URL",
            StorageEngine.Postgres),
        new("a missing right", MissingRightAsync, "lacks rights on", "grant select, insert, update, delete", StorageEngine.Postgres),
        new("a read-only database", ReadOnlyAsync, "The database is read-only", "Correct DATABASE_URL", StorageEngine.Postgres),
        new("a wrong clock", WrongClockAsync, "ahead of the database's", "Let NTP set the clocks", StorageEngine.Postgres),
    }.ToDictionary(static fault => fault.Name);

    private static Func<FaultyServer, Task> Setting(string name, string value) => server =>
    {
        server.Set(name, value);
        return Task.CompletedTask;
    };

    private static Func<FaultyServer, Task> BehindProxy(string url) => server =>
    {
        server.Set("PYRESOLVE_PUBLIC_URL", url);
        server.Set("PyResolve:TrustedProxies", "127.0.0.1");
        return Task.CompletedTask;
    };

    private static Func<FaultyServer, Task> Sql(string sql) => server => server.Store.ExecuteSqlAsync(sql);

    private static Func<FaultyServer, Task> Account(string columns, string values) => Sql(
        $"""
        insert into profiles (id, email, created_at, updated_at, {columns})
        select '00000000-0000-0000-0000-00000000000a', 'ada@example.com', max(applied_at), max(applied_at), {values} from schema_versions
        """);

    private static Func<FaultyServer, Task> Mode(string file, string mode) => async server =>
        (await Command.RunAsync("chmod", [mode, Path.Combine(server.Folder, file)])).OrThrow("chmod");

    private static Func<FaultyServer, Task> Mail(string host, string port) => server =>
    {
        server.Set("PyResolve:Smtp:Host", host);
        server.Set("PyResolve:Smtp:Port", port);
        server.Set("PyResolve:Smtp:From", "billing@example.com");
        return Task.CompletedTask;
    };

    private static async Task AnotherProgramAsync(FaultyServer server)
    {
        var other = server.Keep(await StartOtherAsync(certificate: null));
        server.Set("PYRESOLVE_PUBLIC_URL", other.Urls.Single());
    }

    private static async Task UntrustedCertificateAsync(FaultyServer server)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var other = server.Keep(await StartOtherAsync(X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null)));
        await BehindProxy(other.Urls.Single())(server);
    }

    private static async Task<WebApplication> StartOtherAsync(X509Certificate2? certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
                listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        app.MapFallback(static () => "hello");
        await app.StartAsync();
        return app;
    }

    private static Task FolderIsAFileAsync(FaultyServer server)
    {
        var file = Path.Combine(server.Folder, "file");
        File.WriteAllText(file, "");
        server.Set("PYRESOLVE_DATA", file);
        return Task.CompletedTask;
    }

    private static Task OpenKeyAsync(FaultyServer server)
    {
        File.WriteAllText(Path.Combine(server.Folder, "encryption-key"), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        return Mode("encryption-key", "644")(server);
    }

    private static Task DamagedAsync(FaultyServer server)
    {
        foreach (var file in Directory.EnumerateFiles(server.Folder, "pyresolve.db*"))
            File.WriteAllBytes(file, RandomNumberGenerator.GetBytes(65_536));
        return Task.CompletedTask;
    }

    private static Task MailWithoutTlsAsync(FaultyServer server)
    {
        foreach (var (name, value) in server.Keep(new TestSmtpServer()).Settings(tls: "starttls"))
            server.Set(name, value);
        return Task.CompletedTask;
    }

    private static Task MailFolderIsAFileAsync(FaultyServer server)
    {
        var file = Path.Combine(server.Folder, "mail");
        File.WriteAllText(file, "");
        server.Set("PyResolve:EmailFolder", file);
        return Task.CompletedTask;
    }

    private static Task StripeIsAwayAsync(FaultyServer server)
    {
        server.Set("STRIPE_SECRET_KEY", "sk_test_x");
        server.Set("STRIPE_API_BASE", Closed);
        return Task.CompletedTask;
    }

    private static Task IssuerIsAwayAsync(FaultyServer server)
    {
        server.Set("PyResolve:Oidc:0:Issuer", Closed);
        server.Set("PyResolve:Oidc:0:Audience", "pyresolve");
        return Task.CompletedTask;
    }

    private static Task OtherDatabaseAsync(FaultyServer server)
    {
        var other = new Npgsql.NpgsqlConnectionStringBuilder(server.Store.ConnectionString) { Database = "not_there" };
        server.Set("DATABASE_URL", PostgresAddress.ToUrl(other.ConnectionString));
        return Task.CompletedTask;
    }

    private static async Task MissingRightAsync(FaultyServer server)
    {
        await server.Store.ExecuteSqlAsync(
            """
            do $$ begin create role doctors_patient login; exception when duplicate_object then null; end $$;
            grant usage on schema public to doctors_patient;
            grant select on all tables in schema public to doctors_patient
            """);
        var limited = new Npgsql.NpgsqlConnectionStringBuilder(server.Store.ConnectionString) { Username = "doctors_patient" };
        server.Set("DATABASE_URL", PostgresAddress.ToUrl(limited.ConnectionString));
    }

    private static async Task ReadOnlyAsync(FaultyServer server)
    {
        var name = new Npgsql.NpgsqlConnectionStringBuilder(server.Store.ConnectionString).Database;
        await server.Store.ExecuteSqlAsync($"alter database \"{name}\" set default_transaction_read_only = on");
    }

    private static Task WrongClockAsync(FaultyServer server)
    {
        server.Replace = static services =>
            services.Replace(ServiceDescriptor.Singleton(new MachineClock(new SkewedClock(TimeSpan.FromSeconds(90)))));
        return Task.CompletedTask;
    }
}
