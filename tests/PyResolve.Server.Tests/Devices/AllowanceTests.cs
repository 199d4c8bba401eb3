using System.Net;
using PyResolve.Server.Devices;

namespace PyResolve.Server.Tests.Devices;

public sealed class AllowanceTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:3::1", "2001:db8:1:3::/64")]
    public void An_IPv6_address_counts_as_its_network(string address, string subject) =>
        Allowance.Of(IPAddress.Parse(address)).ShouldBe(subject);
}
