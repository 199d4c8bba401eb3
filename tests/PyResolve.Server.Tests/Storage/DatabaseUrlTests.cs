using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class DatabaseUrlTests
{
    private const string Common = "Application Name=pyresolve;Timeout=5;Command Timeout=15;No Reset On Close=true;Maximum Pool Size=20";
    private const string Prepared = $"{Common};Max Auto Prepare=64";
    private const string Pooled = Common;

    [Theory]
    [InlineData(
        "postgres://ann:secret@db.example:6000/bill", $"Host=db.example;Port=6000;Username=ann;Password=secret;Database=bill;{Prepared}")]
    [InlineData("postgresql://ann@db.example/bill", $"Host=db.example;Port=5432;Username=ann;Database=bill;{Prepared}")]
    [InlineData("postgres://ann:p%40s%3As%2F%25@db.example/b%20c",
        $"Host=db.example;Port=5432;Username=ann;Password=p@s:s/%;Database=b c;{Prepared}")]
    [InlineData("postgres://ann:a:b@db.example/bill", $"Host=db.example;Port=5432;Username=ann;Password=a:b;Database=bill;{Prepared}")]
    [InlineData("postgres://ann@[::1]:5433/bill", $"Host=::1;Port=5433;Username=ann;Database=bill;{Prepared}")]
    [InlineData("postgres://ann@db.example/bill?sslmode=require",
        $"Host=db.example;Port=5432;Username=ann;Database=bill;SSL Mode=Require;{Prepared}")]
    [InlineData("postgres://ann@db.example/bill?sslmode=verify-full&sslrootcert=%2Fca.pem",
        $"Host=db.example;Port=5432;Username=ann;Database=bill;SSL Mode=VerifyFull;Root Certificate=/ca.pem;{Prepared}")]
    [InlineData("postgres:///bill?host=/var/run/postgresql", $"Host=/var/run/postgresql;Port=5432;Database=bill;{Prepared}")]
    [InlineData("postgres://ann@db.example/bill?pool_size=7&connect_timeout=2&application_name=x",
        "Host=db.example;Port=5432;Username=ann;Database=bill;Application Name=x;Timeout=2;"
        + "Command Timeout=15;No Reset On Close=true;Maximum Pool Size=7;Max Auto Prepare=64")]
    [InlineData("postgresql://postgres.ref:secret@aws-0-eu.pooler.supabase.com:6543/postgres",
        $"Host=aws-0-eu.pooler.supabase.com;Port=6543;Username=postgres.ref;Password=secret;Database=postgres;{Pooled}")]
    [InlineData("postgres://ann@db.example/bill?pgbouncer=true", $"Host=db.example;Port=5432;Username=ann;Database=bill;{Pooled}")]
    public void A_url_is_read_as_hosting_services_write_it(string url, string expected) =>
        new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString(url)).EquivalentTo(new NpgsqlConnectionStringBuilder(expected))
            .ShouldBeTrue(DatabaseUrl.ToConnectionString(url));

    [Theory]
    [InlineData("", "must look like postgres://")]
    [InlineData("Host=db;Password=hunter2", "must look like postgres://")]
    [InlineData("mysql://ann:hunter2@db.example/bill", "must look like postgres://")]
    [InlineData("postgres://ann:hunter2@db.example:port/bill", "must look like postgres://")]
    [InlineData("postgres://ann:hunter2@db.example", "names no database")]
    [InlineData("postgres://ann:hunter2@db.example/", "names no database")]
    [InlineData("postgres:///bill", "names no host")]
    [InlineData("postgres://ann:hunter2@db.example/bill?sslmode=yes", "sslmode=yes")]
    [InlineData("postgres://ann:hunter2@db.example/bill?pool_size=0", "pool_size=0")]
    [InlineData("postgres://ann:hunter2@db.example/bill?connect_timeout=soon", "connect_timeout=soon")]
    [InlineData("postgres://ann:hunter2@db.example/bill?nonsense=1", "nonsense")]
    public void Errors_do_not_contain_the_password(string url, string expected)
    {
        var failure = Should.Throw<FormatException>(() => DatabaseUrl.ToConnectionString(url));

        failure.Message.ShouldContain(expected);
        failure.Message.ShouldContain("DATABASE_URL");
        failure.Message.ShouldNotContain("hunter2");
    }
}
