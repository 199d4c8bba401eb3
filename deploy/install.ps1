# Installs the native pyresolve of a release for this user: downloads its archive, verifies the checksum, and puts pyresolve.exe into
# %LOCALAPPDATA%\Programs\pyresolve. Needs no administrator and no .NET. For Windows; elsewhere: install.sh.
#
#   powershell -ExecutionPolicy Bypass -File install.ps1 [<version>]    again, to upgrade
#   powershell -ExecutionPolicy Bypass -File install.ps1 -Uninstall
#
# PYRESOLVE_RELEASES   where the releases are, such as https://github.com/<owner>/<repository>/releases; a released copy of this file knows
# PYRESOLVE_INSTALL    the folder to install into
param([string]$Version = '@version@', [switch]$Uninstall)

$ErrorActionPreference = 'Stop'
$portable = 'With the .NET 10 SDK: dotnet tool install --global PyResolve.Cli'
# The progress bar of Windows PowerShell makes a download many times slower.
$ProgressPreference = 'SilentlyContinue'

function Stop-Install([string]$Cause, [string[]]$Next = @()) {
    [Console]::Error.WriteLine("x $Cause")
    foreach ($line in $Next) { [Console]::Error.WriteLine("  $line") }
    exit 1
}

function Save-File([string]$Address, [string]$Path) {
    if ($Address -notmatch '^(https://|http://(127\.0\.0\.1|localhost):)') {
        Stop-Install "The address does not begin with https: $Address" `
            @('PYRESOLVE_RELEASES has to be the address of the releases, with https://')
    }
    try { Invoke-WebRequest -Uri $Address -OutFile $Path -UseBasicParsing }
    catch { Stop-Install "Cannot download $Address" @($_.Exception.Message, "Is there such a release? Look at $releases.") }
}

if ($env:OS -ne 'Windows_NT') { Stop-Install 'This is not Windows.' @('Use install.sh instead.') }
$releases = if ($env:PYRESOLVE_RELEASES) { $env:PYRESOLVE_RELEASES.TrimEnd('/') } else { '@releases@' }
$folder = if ($env:PYRESOLVE_INSTALL) { $env:PYRESOLVE_INSTALL.TrimEnd('\') } else { Join-Path $env:LOCALAPPDATA 'Programs\pyresolve' }
$installed = Join-Path $folder 'pyresolve.exe'

if ($Uninstall) {
    if (-not (Test-Path $installed)) {
        Stop-Install "There is no $installed." @('Name the folder that it was installed into in PYRESOLVE_INSTALL.')
    }
    try { Remove-Item -Force $installed }
    catch { Stop-Install "Cannot remove ${installed}: $($_.Exception.Message)" @('End a pyresolve that is running, and try again.') }
    Write-Output "Removed $installed"
    Write-Output "  Logins and usage that was not sent yet stay in $(Join-Path $HOME '.pyresolve')"
    exit 0
}

if ($releases.StartsWith('@')) {
    Stop-Install 'This copy of install.ps1 does not know where the releases are.' `
        @('Take it from a release, or set PYRESOLVE_RELEASES to the address of the releases.')
}
# In a 32-bit PowerShell the second names the processor. Windows on Arm runs programs for x64.
$processor = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
if ($processor -notin 'AMD64', 'ARM64') {
    Stop-Install "There is no native pyresolve for the processor $processor." @($portable)
}

$from = if ($Version.StartsWith('@') -or $Version -eq 'latest') { "$releases/latest/download" }
        else { "$releases/download/v$($Version.TrimStart('v'))" }
$archive = 'pyresolve-win-x64.zip'
$temporary = Join-Path ([IO.Path]::GetTempPath()) "pyresolve-$([Guid]::NewGuid())"
New-Item -ItemType Directory -Path $temporary | Out-Null
try {
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    Save-File "$from/SHA256SUMS" "$temporary\SHA256SUMS"
    $line = Get-Content "$temporary\SHA256SUMS" | Where-Object { $_ -match "^[0-9a-f]{64} [ *]$([regex]::Escape($archive))$" }
    if (-not $line) { Stop-Install 'The release has no program for Windows.' @($portable) }
    $expected = ($line -split ' ')[0]
    Save-File "$from/$archive" "$temporary\$archive"
    $actual = (Get-FileHash -Algorithm SHA256 "$temporary\$archive").Hash.ToLowerInvariant()
    if ($actual -ne $expected) {
        Stop-Install "The checksum of $archive is wrong: the download is damaged, or is not the released file." `
            @("expected $expected", "received $actual", 'Nothing was installed. Try again.')
    }
    Expand-Archive -Path "$temporary\$archive" -DestinationPath $temporary
    $why = ''
    try { $said = & "$temporary\pyresolve\pyresolve.exe" --version }
    catch { $why = $_.Exception.Message }
    if ($why -or $LASTEXITCODE -ne 0) {
        Stop-Install "The downloaded program does not run here: $why $said" @('It needs Windows 10 or later. ' + $portable)
    }
    try {
        New-Item -ItemType Directory -Force -Path $folder | Out-Null
        Copy-Item "$temporary\pyresolve\pyresolve.exe" $installed -Force
    }
    catch {
        Stop-Install "Cannot write to ${folder}: $($_.Exception.Message)" `
            @('End a pyresolve that is running, or name a folder that you may write to in PYRESOLVE_INSTALL.')
    }
    Write-Output "Installed pyresolve $said as $installed"
    if (($env:PATH -split ';') -notcontains $folder) {
        Write-Output "! $folder is not in PATH. For this window: `$env:PATH = `"$folder;`$env:PATH`""
        Write-Output '  For later windows: add it to Path among the environment variables of your account, in the settings of Windows.'
    }
}
finally { Remove-Item -Recurse -Force $temporary }
