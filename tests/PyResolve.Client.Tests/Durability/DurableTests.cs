using Microsoft.Win32.SafeHandles;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Durability;

/// <summary>What the disk refuses is thrown, and nothing else.</summary>
public sealed class DurableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-durable-").FullName;

    private string File => Path.Combine(_folder, "file");

    [Fact]
    public void What_is_still_in_the_buffer_is_written_and_kept()
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
    public void A_disk_that_refuses_is_named(int error)
    {
        using var stream = new FileStream(File, FileMode.CreateNew);
        stream.WriteByte(1);

        Should.Throw<IOException>(() => FailingDisk.Run(() => Durable.Flush(stream), error)).Message.ShouldStartWith($"{File} did not reach the disk: ");
        Should.Throw<IOException>(() => FailingDisk.Run(() => Durable.FlushFolder(_folder), error)).Message.ShouldStartWith($"{_folder} did not reach the disk: ");
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public void What_cannot_be_synced_at_all_is_passed_over()
    {
        using var stream = new FileStream(File, FileMode.CreateNew);
        stream.WriteByte(1);

        FailingDisk.Run(() => Durable.Flush(stream), FailingDisk.Invalid);

        new FileInfo(File).Length.ShouldBe(1);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public void A_descriptor_that_is_not_open_and_a_folder_that_is_not_there_are_errors()
    {
        using var never = new SafeFileHandle(int.MaxValue, ownsHandle: false);

        Should.Throw<IOException>(() => Durable.Sync(never, "nothing")).Message.ShouldBe("nothing did not reach the disk: Bad file descriptor.");
        Should.Throw<IOException>(() => Durable.FlushFolder(File)).Message.ShouldBe($"{File} did not reach the disk: No such file or directory.");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
