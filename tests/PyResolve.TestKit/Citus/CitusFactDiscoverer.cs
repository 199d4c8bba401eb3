using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>Finds no test where a <see cref="CitusFactAttribute"/> has no Citus.</summary>
public sealed class CitusFactDiscoverer : IXunitTestCaseDiscoverer
{
    public ValueTask<IReadOnlyCollection<IXunitTestCase>> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, IXunitTestMethod testMethod, IFactAttribute factAttribute) =>
        factAttribute is CitusFactAttribute { Exists: true }
            ? new FactDiscoverer().Discover(discoveryOptions, testMethod, factAttribute)
            : new([]);
}
