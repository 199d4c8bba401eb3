using Microsoft.Win32.SafeHandles;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Durability;

/// <summary>Disk failures are thrown, and nothing else.</summary>
public sealed class DurableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-durable-").FullName;

    private string File => Path.Combine(_folder, "file");

    [Fact]
    public void Buffered_bytes_are_written_and_synced()
    {
        using var stream = new FileStream(File, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        stream.Write([1, 2, 3]);

        Durable.Flush(stream);
        Durable.FlushFolder(_folder);

        new FileInfo(File).Length.ShouldBe(3);
    }

    [Theory]
    [InlineData(FailingDisk.IoError)]
    [InlineData(FailingDisk.Full)]
    [InlineData(FailingDisk.ReadOnly)]
    [Trait("Platform", "Linux")]
    public void A_failing_disk_is_named(int error)
    {
        using var stream = new FileStream(File, FileMode.CreateNew);
        stream.WriteByte(1);

        Should.Throw<IOException>(() => FailingDisk.Run(() => Durable.Flush(stream), error))
            .Message.ShouldStartWith($"{File} did not reach the disk: ");
        Should.Throw<IOException>(() => FailingDisk.Run(() => Durable.FlushFolder(_folder), error))
            .Message.ShouldStartWith($"{_folder} did not reach the disk: ");
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public void Files_that_cannot_be_synced_at_all_are_ignored()
    {
        using var stream = new FileStream(File, FileMode.CreateNew);
        stream.WriteByte(1);

        FailingDisk.Run(() => Durable.Flush(stream), FailingDisk.Invalid);

        new FileInfo(File).Length.ShouldBe(1);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public void A_closed_descriptor_and_a_missing_folder_are_errors()
    {
        using var never = new SafeFileHandle(int.MaxValue, ownsHandle: false);

        Should.Throw<IOException>(() => Durable.Sync(never, "nothing"))
            .Message.ShouldBe("nothing did not reach the disk: Bad file descriptor.");
        Should.Throw<IOException>(() => Durable.FlushFolder(File))
            .Message.ShouldBe($"{File} did not reach the disk: No such file or directory.");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
