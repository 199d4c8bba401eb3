namespace PyResolve.Client.Tests;

public sealed class UuidTests
{
    [Fact]
    public void Ids_are_of_version_7_and_start_with_the_time()
    {
        var id = Uuid.NewVersion7(new FixedTime(DateTimeOffset.FromUnixTimeMilliseconds(0x0192_3456_789A)));

        id.ToString("D").ShouldMatch("^01923456-789a-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
        Uuid.NewVersion7(TimeProvider.System).ShouldNotBe(Uuid.NewVersion7(TimeProvider.System));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
