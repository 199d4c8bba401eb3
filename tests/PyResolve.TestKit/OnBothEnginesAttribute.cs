using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>
/// Runs a theory once on each storage engine: its only parameter is a <see cref="StorageEngine"/>. Each case has the trait <c>Engine</c>,
/// so that <c>--filter Engine!=Postgres</c> needs no PostgreSQL.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothEnginesAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<StorageEngine>().Select(engine => new TheoryDataRow(engine).WithTrait("Engine", engine.ToString()))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
