using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.Testing.Tests.Drivers;

/// <summary>
/// The servers of the conformance suite. Every behaviour of the client that depends on a server has one test, which runs on all of them.
/// </summary>
public enum ServerKind
{
    /// <summary>The real server, on its embedded database.</summary>
    Sqlite,

    /// <summary>The real server, on PostgreSQL.</summary>
    Postgres,

    /// <summary>The fake server.</summary>
    Fake,

    /// <summary>The fake server, with answers that have members unknown to the client.</summary>
    NewerFake,
}

/// <summary>
/// Runs a theory once on each server: its only parameter is a <see cref="ServerKind"/>. Each case has the trait <c>Engine</c>, so that
/// <c>--filter Engine!=Postgres</c> needs no PostgreSQL.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnEveryServerAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<ServerKind>().Select(kind => new TheoryDataRow(kind).WithTrait("Engine", kind.ToString()))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
