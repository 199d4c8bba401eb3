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
    [InlineData("postgres://ann:p@a:6001,b/bill?target_session_attrs=read-write",
        $"Host=a:6001,b:5432;Username=ann;Password=p;Database=bill;{Prepared}")]
    [InlineData("postgres://ann@[::1]:1,10.0.0.2:2/bill?target_session_attrs=primary",
        $"Host=[::1]:1,10.0.0.2:2;Username=ann;Database=bill;{Prepared}")]
    [InlineData("postgres:///bill?host=a,b&port=6001,6002&user=ann&password=p",
        $"Host=a:6001,b:6002;Username=ann;Password=p;Database=bill;{Prepared}")]
    [InlineData("postgres://ann:p#q@db.example/bill?ssl=true",
        $"Host=db.example;Port=5432;Username=ann;Password=p#q;Database=bill;SSL Mode=Require;{Prepared}")]
    [InlineData(
        "postgres://ann@db.example/bill?sslmode=verify-full&sslcert=%2Fc.pem&sslkey=%2Fk.pem&gssencmode=disable&uselibpqcompat=true",
        "Host=db.example;Port=5432;Username=ann;Database=bill;SSL Mode=VerifyFull;SSL Certificate=/c.pem;SSL Key=/k.pem;"
        + $"GSS Encryption Mode=Disable;{Prepared}")]
    [InlineData("postgres://ann@db.example/bill?statement_timeout=5000&pool_timeout=7&schema=billing",
        "Host=db.example;Port=5432;Username=ann;Database=bill;Options=-c statement_timeout=5000;Search Path=billing;"
        + "Application Name=pyresolve;Timeout=7;Command Timeout=15;No Reset On Close=true;Maximum Pool Size=20;Max Auto Prepare=64")]
    [InlineData("postgres://ann@db.example/bill?ssl=false&pgbouncer=false",
        $"Host=db.example;Port=5432;Username=ann;Database=bill;SSL Mode=Disable;{Prepared}")]
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
    [InlineData("postgres://ann:hunter2@a,b/bill?target_session_attrs=standby", "the server writes")]
    [InlineData("postgres://ann:hunter2@a,b/bill?load_balance=true", "name the hosts")]
    [InlineData("postgres://ann:hunter2@db.example:0/bill", "1 to 65535")]
    [InlineData("postgres://ann:hunter2@a,b,c/bill?port=1,2", "3 hosts and 2 ports")]
    [InlineData("postgres://ann:hunter2@db.example/bill?statement_timeout=soon", "statement_timeout=soon")]
    [InlineData("postgres://ann:hunter2@db.example/bill?ssl=maybe", "ssl=maybe")]
    [InlineData("postgres://ann:hunter2@db.example/bill?service=x", "service")]
    public void Errors_do_not_contain_the_password(string url, string expected)
    {
        var failure = Should.Throw<FormatException>(() => DatabaseUrl.ToConnectionString(url));

        failure.Message.ShouldContain(expected);
        failure.Message.ShouldContain("DATABASE_URL");
        failure.Message.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("postgres://ann:hunter2@db.example/bill", true)]
    [InlineData("postgres://ann:hunter2@localhost,db.example:1/bill", true)]
    [InlineData("postgres://ann:hunter2@db.example/bill?sslmode=verify-full", false)]
    [InlineData("postgres://ann:hunter2@db.example/bill?ssl=true", false)]
    [InlineData("postgres://ann:hunter2@db.example/bill?sslmode=disable", false)]
    [InlineData("postgres://ann:hunter2@db.example/bill?sslmode=prefer", false)]
    [InlineData("postgres://ann:hunter2@localhost/bill", false)]
    [InlineData("postgres://ann:hunter2@127.0.0.1:6000,[::1]/bill", false)]
    [InlineData("postgres:///bill?host=/var/run/postgresql", false)]
    public void A_connection_to_another_machine_that_may_be_in_clear_text_is_warned_about(string url, bool warns)
    {
        var warning = DatabaseUrl.FindWarning(url);

        (warning is not null).ShouldBe(warns);
        warning?.ShouldContain("db.example");
        warning?.ShouldContain("sslmode=verify-full");
        warning?.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("postgres://ann@dpg-abc123-a/bill", true)]
    [InlineData("postgres://ann@postgres.railway.internal:5432/bill", true)]
    [InlineData("postgres://ann@bill.flycast:5432/bill", true)]
    [InlineData("postgres://ann@postgres.pyresolve.svc.cluster.local/bill", true)]
    [InlineData("postgres://ann@10.1.2.3:5432/bill", true)]
    [InlineData("postgres://ann@[fd12::1]:5432/bill", true)]
    [InlineData("postgres://ann@10.1.2.3,db.example/bill", false)]
    [InlineData("postgres://ann@db.example/bill", false)]
    [InlineData("postgres://ann@internal.example/bill", false)]
    [InlineData("postgres://ann@dpg-abc123-a.frankfurt-postgres.render.com/bill", false)]
    [InlineData("postgres://ann@203.0.113.7/bill", false)]
    [InlineData("postgres://ann@[2001:db8::1]/bill", false)]
    public void A_host_of_a_private_network_is_known_by_its_name_or_address(string url, bool isPrivate) =>
        DatabaseUrl.IsPrivate(url).ShouldBe(isPrivate);
}
