using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>What <c>select version()</c> says, from the documentation of each product.</summary>
public sealed class PostgresLookalikesTests
{
    [Theory]
    [InlineData("CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27, go1.19.10)", "statement triggers")]
    [InlineData("CockroachDB CCL v26.2.0 (aarch64-unknown-linux-gnu, built 2026/05/04, go1.25.1)", "statement triggers")]
    [InlineData("PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 16.0.6, 64-bit", "advisory locks")]
    [InlineData("PostgreSQL 15.2-YB-2.25.1.0-b0 on aarch64-unknown-linux-gnu, compiled by clang version 17.0.6, 64-bit", "advisory locks")]
    [InlineData("PostgreSQL 15.12-YB-2025.1.4.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 19.1.0, 64-bit", "advisory locks")]
    public void A_database_that_cannot_keep_a_promise_is_refused_with_the_reason(string version, string reason)
    {
        var refusal = PostgresLookalikes.FindRefusal(version);

        refusal.ShouldNotBeNull();
        refusal.ShouldContain("is not supported");
        refusal.ShouldContain(reason);
        refusal.ShouldEndWith("PostgreSQL 15 or later.");
    }

    [Theory]
    [InlineData("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit")]
    [InlineData("PostgreSQL 17.4 on aarch64-unknown-linux-gnu, compiled by gcc (GCC) 13.2.0, 64-bit")]
    [InlineData("PostgreSQL 15.12-YB-2.27.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 19.1.0, 64-bit")]
    [InlineData("PostgreSQL 15.12-YB-2025.2.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 19.1.0, 64-bit")]
    public void A_database_that_has_what_the_server_needs_is_accepted(string version) =>
        PostgresLookalikes.FindRefusal(version).ShouldBeNull();
}
