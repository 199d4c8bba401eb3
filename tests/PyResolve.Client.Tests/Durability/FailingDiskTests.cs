using System.Diagnostics;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Durability;

/// <summary>With a failing disk, nothing is reported as safe. On Linux.</summary>
[Trait("Platform", "Linux")]
public sealed class FailingDiskTests : IDisposable
{
    private static readonly DateTime LongAgo = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly TemporaryHome _home = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flushes_and_offline_permits_report_that_nothing_is_safe()
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [FailingDiskProcess.Command, _home.Path])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var said = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);

        said.ReplaceLineEndings("\n").ShouldBe(
            "before: unreachable\nflush: not_reported\ncancelled: said\npermit: not_reported\npermit again: not_reported\nwaiting: 2\n");
    }

    [Fact]
    public void After_a_disk_failure_the_outbox_writes_everything_again()
    {
        using var segment = NewSegment();
        segment.Sync();
        segment.Append([1, 2, 3], DateTimeOffset.UnixEpoch);
        Should.Throw<IOException>(() => FailingDisk.Run(segment.Sync));

        WasWritten(segment.Sync).ShouldBeTrue();
        WasWritten(segment.Sync).ShouldBeFalse();
    }

    [Fact]
    public void Adopted_events_are_written_again_before_they_count_as_safe()
    {
        using (var left = NewSegment())
        {
            left.Sync();
            left.Append([1, 2, 3], DateTimeOffset.UnixEpoch);
            Should.Throw<IOException>(() => FailingDisk.Run(left.Sync));
        }

        using var adopted = Segment.Adopt(SegmentFile(), TimeProvider.System, out _).ShouldNotBeNull();

        WasWritten(adopted.Sync).ShouldBeTrue();
        WasWritten(adopted.Sync).ShouldBeFalse();
    }

    [Fact]
    public async Task Data_that_the_system_dropped_after_a_disk_failure_is_never_reported_as_safe()
    {
        using var segment = NewSegment();
        segment.Sync();
        segment.Append([1, 2, 3], DateTimeOffset.UnixEpoch);
        Should.Throw<IOException>(() => FailingDisk.Run(segment.Sync));
        await DropAsync(from: 16);

        Should.Throw<IOException>(segment.Sync).Message.ShouldContain("is damaged");
        Should.Throw<IOException>(segment.Sync).Message.ShouldContain("is damaged");
    }

    [Fact]
    public async Task A_file_without_events_whose_header_was_lost_is_not_safe()
    {
        using var segment = NewSegment();
        Should.Throw<IOException>(() => FailingDisk.Run(segment.Sync));
        await DropAsync(from: 0);

        Should.Throw<IOException>(segment.Sync).Message.ShouldContain("is damaged");
        Should.Throw<IOException>(segment.Sync).Message.ShouldContain("is damaged");
    }

    [Fact]
    public void A_new_file_is_not_safe_before_its_folder_is()
    {
        using var segment = NewSegment();
        Directory.Move(_home.Path, _home.Path + "-away");

        Should.Throw<IOException>(segment.Sync).Message.ShouldStartWith($"{_home.Path} did not reach the disk: ");

        Directory.Move(_home.Path + "-away", _home.Path);
        segment.Sync();
    }

    [Fact]
    public void A_new_folder_is_not_safe_before_its_parent_is_and_no_failure_is_remembered_as_success()
    {
        var folder = Path.Combine(_home.Path, "outbox");
        PrivateFile.CreateFolder(_home.Path);

        IsRefused();
        Directory.Exists(folder).ShouldBeTrue();
        IsRefused();
        PrivateFile.CreateFolder(folder);
        FailingDisk.Run(() => PrivateFile.CreateFolder(folder));
        Directory.Delete(folder);
        IsRefused();
        IsRefused();

        void IsRefused() => Should.Throw<IOException>(() => FailingDisk.Run(() => PrivateFile.CreateFolder(folder)))
            .Message.ShouldStartWith($"{_home.Path} did not reach the disk: ");
    }

    [Fact]
    public void A_grant_that_did_not_reach_the_disk_is_undone()
    {
        var (path, grant) = NewLease();

        Should.Throw<IOException>(() => FailingDisk.Run(() => LeaseFile.Load(path)!.Append(grant)));

        (LeaseFile.Load(path)!.Taken, LeaseFile.Load(path)!.IsDamaged).ShouldBe((0, false));
        LeaseFile.Load(path)!.Append(grant);
        LeaseFile.Load(path)!.Taken.ShouldBe(2);
    }

    [Fact]
    public void A_grant_that_a_read_only_disk_cannot_undo_either_is_refused_for_the_first_reason_and_spends_its_units()
    {
        var (path, grant) = NewLease();

        Should.Throw<IOException>(() => FailingDisk.Run(() => LeaseFile.Load(path)!.Append(grant), FailingDisk.ReadOnly, isStopped: true))
            .Message.ShouldContain("did not reach the disk");

        LeaseFile.Load(path)!.Taken.ShouldBe(2);
    }

    [Fact]
    public void A_key_that_did_not_reach_the_disk_is_not_reported_as_saved_and_the_old_one_stays()
    {
        var old = $"pyr_live_{new string('a', 48)}";
        _home.Store.Save(old);

        Should.Throw<ConfigFileException>(() => FailingDisk.Run(() => _home.Store.Save($"pyr_live_{new string('b', 48)}")))
            .Message.ShouldContain("did not reach the disk");

        _home.Store.FindApiKey().ShouldNotBeNull().Key.ShouldBe(old);
        Directory.GetFiles(_home.Path, "*.tmp").ShouldBeEmpty();
    }

    public void Dispose() => _home.Dispose();

    private Segment NewSegment()
    {
        Directory.CreateDirectory(_home.Path);
        return Segment.Create(_home.Path, TimeProvider.System);
    }

    private (string Path, LedgerRecord Grant) NewLease()
    {
        Directory.CreateDirectory(_home.Path);
        var path = Path.Combine(_home.Path, "one.lease");
        LeaseFile.Create(path, "token", TimeSpan.Zero);
        return (path, new(LedgerEntry.Taken, Guid.CreateVersion7(), 2, DateTimeOffset.UnixEpoch));
    }

    /// <summary>Eight bytes, which the system would return as zeros.</summary>
    private async Task DropAsync(int from)
    {
        using var dropping = Process.Start(
            "dd", ["if=/dev/zero", $"of={SegmentFile()}", "bs=1", "count=8", $"seek={from}", "conv=notrunc", "status=none"]);
        await dropping.WaitForExitAsync(Cancellation);
        dropping.ExitCode.ShouldBe(0);
    }

    private string SegmentFile() => Directory.GetFiles(_home.Path, "*" + Segment.Extension).Single();

    private bool WasWritten(Action sync)
    {
        File.SetLastWriteTimeUtc(SegmentFile(), LongAgo);
        sync();
        return File.GetLastWriteTimeUtc(SegmentFile()) != LongAgo;
    }
}
