// The print button of the sheet.
document.getElementById('print').addEventListener('click', () => print());
