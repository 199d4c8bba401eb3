using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>Runs a theory once on each storage engine: its only parameter is a <see cref="StorageEngine"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothEnginesAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<StorageEngine>().Select(engine => new TheoryDataRow(engine))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
