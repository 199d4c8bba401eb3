using System.Reflection;
using PyResolve.Client.Tests.Drivers;

namespace PyResolve.Testing.Tests;

public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_one_that_was_approved()
    {
        var approvedPath = typeof(PublicApiTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "PublicApi").Value!;
        var approved = File.Exists(approvedPath) ? File.ReadAllLines(approvedPath) : [];
        var actual = PublicApi.Describe(typeof(FakePyResolveServer).Assembly);
        if (actual.SequenceEqual(approved))
            return;

        var receivedPath = Path.Combine(AppContext.BaseDirectory, "PublicApi.received.txt");
        File.WriteAllLines(receivedPath, actual);
        Assert.Fail(string.Join(
            Environment.NewLine,
            ["The public API changed:", .. approved.Except(actual).Select(line => "- " + line), .. actual.Except(approved).Select(line => "+ " + line),
             $"If that is meant: cp \"{receivedPath}\" \"{approvedPath}\""]));
    }
}
