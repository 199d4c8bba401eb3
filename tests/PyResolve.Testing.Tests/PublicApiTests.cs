using PyResolve.Client.Tests.Drivers;

namespace PyResolve.Testing.Tests;

public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_one_that_was_approved() => PublicApi.ShouldBeApproved(typeof(FakePyResolveServer).Assembly);
}
